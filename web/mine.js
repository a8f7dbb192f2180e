// One's own reservations, to change or cancel.

import { me, newKey, read, write } from "./api.js";
import { button, element, say } from "./booking.js";
import { spanInWords } from "./time.js";

const list = document.getElementById("mine-list");
const more = document.getElementById("more-mine");
let again, book;
let pages = 1;

export function setUpMine(look, showBooking) {
  again = look;
  book = showBooking;
  more.addEventListener("click", () => {
    pages += 1;
    again();
  });
}

export async function showMine() {
  if (!me.user) {
    list.replaceChildren(element("li", "Say who you are, at the top of the page."));
    return;
  }
  const items = [];
  let cursor = null;
  for (let page = 0; page < pages && (page === 0 || cursor); page++) {
    const answer = await read(`/v1/users/${encodeURIComponent(me.user)}/reservations`, { limit: 20, cursor });
    items.push(...answer.items.map(card));
    cursor = answer.next_cursor;
  }
  list.replaceChildren(...(items.length ? items : [element("li", "You have no reservations.")]));
  more.hidden = !cursor;
}

function card(reservation) {
  const cancelled = reservation.state === "cancelled";
  const item = element("li", "", { className: cancelled ? "cancelled" : "" });
  item.append(element("h3", reservation.title ?? "Reservation"));
  const place = [reservation.room_name, reservation.room_location].filter(Boolean).join(", ");
  item.append(element("p", `${spanInWords(reservation)} · ${place}${cancelled ? " · cancelled" : ""}`));
  if (!cancelled && new Date(reservation.ends_at) > new Date()) {
    const actions = element("div", "", { className: "actions" });
    const key = newKey();
    const change = button("Change", () => book(reservation, again));
    const giveBack = button("Cancel", () => cancel(reservation, key));
    for (const each of [change, giveBack]) {
      each.setAttribute("aria-label", `${each.textContent} ${spanInWords(reservation)}, ${reservation.room_name}`);
    }
    actions.append(change, giveBack);
    item.append(actions);
  }
  return item;
}

async function cancel(reservation, key) {
  if (!confirm(`Give back ${reservation.room_name}, ${spanInWords(reservation)}?`)) {
    return;
  }
  try {
    await write("POST", `/v1/reservations/${reservation.id}/cancellation`, {}, key);
    say(`Cancelled: ${reservation.room_name}, ${spanInWords(reservation)}.`);
    await again();
  } catch (error) {
    say(error.message, true);
  }
}
