#!/bin/bash
exec "${0%/*}/run-class" kafka.Kafka "$@"
