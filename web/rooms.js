// Rooms with the times at which they are free on a day.

import { read } from "./api.js";
import { button, element } from "./booking.js";
import { clock, inDays, later, midnight, utc } from "./time.js";

const form = document.getElementById("search");
const list = document.getElementById("room-list");
const more = document.getElementById("more-rooms");
let again, book;
let pages = 1;
let shown = 0;

export function setUpRooms(look, showBooking) {
  again = look;
  book = showBooking;
  form.day.value = inDays(0);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    pages = 1;
    again();
  });
  more.addEventListener("click", () => {
    pages += 1;
    again();
  });
}

export async function showRooms() {
  if (!form.checkValidity()) {
    return;
  }
  const turn = ++shown; // a slow answer does not replace a newer one
  const filters = { active: true, min_capacity: form.people.value, q: form.text.value.trim(), limit: 20 };
  const items = [];
  let cursor = null;
  for (let page = 0; page < pages && (page === 0 || cursor); page++) {
    const answer = await read("/v1/rooms", { ...filters, cursor });
    items.push(...(await Promise.all(answer.items.map(card))));
    cursor = answer.next_cursor;
  }
  if (turn !== shown) {
    return;
  }
  list.replaceChildren(...(items.length ? items : [element("li", "No room fits.")]));
  more.hidden = !cursor;
}

async function card(room) {
  const minutes = Number(form.minutes.value);
  const dayStart = midnight(form.day.value);
  const from = new Date(Math.max(dayStart, Math.ceil(Date.now() / 300_000) * 300_000));
  const to = midnight(form.day.value, 1);
  const query = { from: utc(from), to: utc(to), min_minutes: minutes, limit: 200 };
  const gaps = from < to ? (await read(`/v1/rooms/${room.id}/free`, query)).items : [];
  const item = element("li");
  item.append(element("h3", room.name));
  item.append(element("p", [room.capacity === 1 ? "1 person" : `${room.capacity} people`, room.location].filter(Boolean).join(", ")));
  const times = element("div", "", { className: "times" });
  for (const gap of gaps) {
    const start = new Date(gap.starts_at);
    const choice = button(`${clock(start)}–${clock(new Date(gap.ends_at))}`, () =>
      book({ room_id: room.id, room_name: room.name, starts_at: utc(start), ends_at: utc(later(start, minutes)) }, again));
    choice.setAttribute("aria-label", `Book ${room.name}, free ${choice.textContent}`);
    times.append(choice);
  }
  item.append(gaps.length ? times : element("p", "Not free that day."));
  return item;
}
