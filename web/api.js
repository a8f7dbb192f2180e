// The calls: who asks, which own writes an answer has to include, how fresh the last one was, and problems in words.

const WORDS = {
  "slot-taken": "The room is taken at this time.",
  "room-retired": "This room takes no new reservations.",
  "reservation-cancelled": "This reservation was cancelled meanwhile.",
  "version-stale": "This reservation has changed since you looked. What you see now is the newest.",
  "unauthenticated": "Please sign in: your token is missing, or no longer good.",
  "forbidden": "You may not do this.",
  "not-found": "It is not there, or not yours.",
  "rate-limited": "That was too much at once. Please wait a moment.",
  "projection-not-ready": "The overview is still being built. Please try again in a moment.",
  "projection-behind": "The overview is behind. Your change is safe and will show soon.",
  "write-parked": "The overview cannot show this change yet. It is safe.",
  "outcome-unknown": "It is not known whether this went through. Press the button again: it will not be done twice.",
};
const NOT_YET = ["projection-behind", "write-parked"];
const PASSING = "The service cannot be reached just now. Please try again.";

export class Problem extends Error {
  constructor(problem) {
    const fields = (problem.invalid_params ?? []).map((param) => `${param.name} ${param.reason}`);
    const words = WORDS[problem.code] ?? (problem.status >= 500 ? PASSING : sentence(problem.title));
    super([words, ...fields.map(sentence)].join(" "));
    Object.assign(this, problem);
  }
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

export const me = {
  user: localStorage.getItem("user") ?? "",
  token: sessionStorage.getItem("token") ?? "",

  set(user, token) {
    this.user = token ? subject(token) : user;
    this.token = token;
    writes = [];
    localStorage.setItem("user", this.user);
    sessionStorage.setItem("token", token);
  },
};

function subject(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)))).sub;
  } catch {
    return "";
  }
}

// Own writes of the last minute, and others' that one has run into; reads wait for them. Later they are long included. Without
// one's own write an answer would be wrong; without another's it is only older.
let writes = [];
let asOf = null;

export function freshness() {
  return asOf;
}

export function headers(more = {}) {
  return me.token ? { ...more, Authorization: `Bearer ${me.token}` } : more;
}

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Problem({ code: "unreachable", status: 503 });
  }
  if (answer.headers.has("Projection-As-Of")) {
    asOf = new Date(answer.headers.get("Projection-As-Of"));
  }
  if (answer.headers.has("Consistency-Token")) {
    writes.push({ token: answer.headers.get("Consistency-Token"), at: Date.now(), own: answer.ok });
  }
  const body = await answer.json().catch(() => ({ code: "unreadable", status: 502 }));
  if (!answer.ok) {
    throw new Problem(body);
  }
  return body;
}

export function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  return `${path}?${new URLSearchParams(given)}`;
}

export async function read(path, query = {}) {
  writes = writes.filter((write) => Date.now() - write.at < 60_000).slice(-8);
  const own = writes.length ? { "Consistency-Token": writes.map((write) => write.token).join(", ") } : {};
  const others = writes.some((write) => !write.own);
  try {
    return await call(address(path, query), { headers: headers(own) });
  } catch (problem) {
    if (!others || !NOT_YET.includes(problem.code)) {
      throw problem;
    }
    writes = writes.filter((write) => write.own);
    return await read(path, query);
  }
}

// `key` makes the same press of a button, pressed again after a failure, the same write.
export async function write(method, path, body, key, more = {}) {
  const all = headers({ "Content-Type": "application/json", "Idempotency-Key": key, ...more });
  return await call(path, { method, headers: all, body: JSON.stringify(body) });
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
