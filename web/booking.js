// The dialog in which a reservation is made or changed, and the line for what there is to say.

import { me, newKey, write } from "./api.js";
import { clock, day, span, spanInWords } from "./time.js";

const dialog = document.getElementById("booking");
const form = dialog.querySelector("form");
const problem = document.getElementById("booking-problem");
const message = document.getElementById("message");
let open = null;

export function say(text, wrong = false) {
  message.textContent = text;
  message.hidden = !text;
  message.classList.toggle("wrong", wrong);
}

export function button(text, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", work);
  return made;
}

export function element(name, text = "", more = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, more);
}

// `what`: {room_id, room_name, starts_at, ends_at} and, for a change, {id, version, title}. `done` is called after it is made.
export function showBooking(what, done) {
  open = { ...what, done, key: newKey() };
  fill(what);
  form.title.value = what.title ?? "";
  form.save.textContent = what.id ? "Change" : "Book";
  dialog.showModal();
}

function fill(what) {
  document.getElementById("booking-title").textContent = what.room_name;
  const start = new Date(what.starts_at);
  form.day.value = day(start);
  form.from.value = clock(start);
  form.to.value = clock(new Date(what.ends_at));
  problem.replaceChildren();
}

// What was refused is offered elsewhere: the next free time, or another room.
function offer(error, times) {
  problem.replaceChildren(element("p", error.message));
  const choices = element("div", "", { className: "times" });
  if (error.next_free) {
    choices.append(button(`Free ${spanInWords(error.next_free)}`, () => take({ ...open, ...error.next_free })));
  }
  for (const room of error.alternatives ?? []) {
    choices.append(button(room.name, () => take({ ...open, ...times, room_id: room.room_id, room_name: room.name })));
  }
  problem.append(choices);
}

function take(what) {
  open = { ...what, key: newKey() };
  fill(open);
}

form.addEventListener("input", () => {
  open.key = newKey(); // another request
});

form.addEventListener("submit", async (event) => {
  if (event.submitter === form.close) {
    return;
  }
  event.preventDefault();
  if (!me.user) {
    problem.replaceChildren(element("p", "Please say who you are first, at the top of the page."));
    return;
  }
  const times = span(form.day.value, form.from.value, form.to.value);
  const body = { room_id: open.room_id, title: form.title.value.trim() || null, ...times };
  form.save.disabled = true;
  try {
    const made = open.id
      ? await write("PATCH", `/v1/reservations/${open.id}`, body, open.key, { "If-Match": `"${open.version}"` })
      : await write("POST", "/v1/reservations", { ...body, user_id: me.user }, open.key);
    dialog.close();
    say(`${open.id ? "Changed" : "Booked"}: ${open.room_name}, ${spanInWords(made)}.`);
    open.done();
  } catch (error) {
    offer(error, times);
    if (error.code === "version-stale") {
      open.done();
    }
  } finally {
    form.save.disabled = false;
  }
});
