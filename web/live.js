// Server-Sent Events by fetch, since an EventSource sends no Authorization header.

import { headers } from "./api.js";

const PAUSE_MS = 2000;

// Calls `changed` after each event or reset, `state(true)` while connected. Returns what ends it.
export function listen(changed, state) {
  const stop = new AbortController();
  run(changed, state, stop.signal);
  return () => stop.abort();
}

async function run(changed, state, signal) {
  let last = null;
  while (!signal.aborted) {
    try {
      const more = last ? { "Last-Event-ID": last } : {};
      const answer = await fetch("/v1/events", { headers: headers(more), signal });
      if (answer.status === 401) {
        return; // until somebody signs in
      }
      if (answer.ok) {
        state(true);
        for await (const block of blocks(answer.body)) {
          const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s)));
          last = fields.id ?? last;
          if (fields.data) {
            changed();
          }
        }
      }
    } catch {
      // Cut off: come again with the last id.
    }
    state(false);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    yield* parts;
  }
}
