#!/bin/bash
exec "${0%/*}/run-class" org.apache.kafka.connect.cli.ConnectDistributed "$@"
