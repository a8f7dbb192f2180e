// The page: which view is shown, who looks at it, and what makes it look again.

import { freshness, me, Problem, read } from "./api.js";
import { say, showBooking } from "./booking.js";
import { listen } from "./live.js";
import { setUpMine, showMine } from "./mine.js";
import { setUpRooms, showRooms } from "./rooms.js";
import { setUpUse, showUse } from "./use.js";

const views = { rooms: showRooms, mine: showMine, use: showUse };
let live = false;
let stopListening = () => {};

const current = () => (location.hash.slice(1) in views ? location.hash.slice(1) : "rooms");

async function show() {
  for (const name of Object.keys(views)) {
    document.getElementById(name).hidden = name !== current();
    const link = document.querySelector(`nav a[href="#${name}"]`);
    link.toggleAttribute("aria-current", name === current());
    if (name === current()) {
      link.setAttribute("aria-current", "page");
    }
  }
  await look();
}

async function look() {
  try {
    await views[current()]();
  } catch (error) {
    if (!(error instanceof Problem)) {
      throw error;
    }
    if (error.code === "unauthenticated") {
      askForToken();
    }
    say(error.message, true);
  }
  tellFreshness();
}

function tellFreshness() {
  const asOf = freshness();
  if (!asOf) {
    return;
  }
  const seconds = Math.max(0, (Date.now() - asOf) / 1000);
  const age = seconds < 5 ? "up to date" : `as of ${asOf.toLocaleTimeString()}`;
  document.getElementById("freshness").textContent = live ? `${age}, live` : age;
}

const who = document.getElementById("who");

function askForToken() {
  who.token.closest("label").hidden = false;
  who.user.closest("label").hidden = true;
  who.user.required = false;
}

who.addEventListener("submit", (event) => {
  event.preventDefault();
  me.set(who.user.value.trim(), who.token.value.trim());
  say(me.user ? `Hello, ${me.user}.` : "Please say who you are.");
  start();
});

// A burst of events makes one look.
let due = null;
function changed() {
  due ??= setTimeout(() => {
    due = null;
    look();
  }, 300);
}

function start() {
  stopListening();
  stopListening = listen(changed, (connected) => {
    live = connected;
    tellFreshness();
  });
  show();
}

// So that "up to date" is not said of what was read long ago.
async function heartbeat() {
  if (!document.hidden) {
    await read("/v1/projection").catch(() => {});
    tellFreshness();
  }
}

who.user.value = me.user;
setUpRooms(look, showBooking);
setUpMine(look, showBooking);
setUpUse(look);
addEventListener("hashchange", show);
setInterval(heartbeat, 15_000);
start();
