// Which rooms are popular, and which hours of the week.

import { read } from "./api.js";
import { element } from "./booking.js";
import { inDays, midnight, utc, zone } from "./time.js";

const form = document.getElementById("range");
const DAYS = [1, 2, 3, 4, 5, 6, 7].map((day) => // 1 January 2024 was a Monday
  new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2024, 0, day)));
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function setUpUse(look) {
  form.from.value = inDays(-28);
  form.to.value = inDays(28);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", look);
}

export async function showUse() {
  if (!form.checkValidity()) {
    return;
  }
  const range = { from: utc(midnight(form.from.value)), to: utc(midnight(form.to.value, 1)), by: form.by.value };
  const [popular, busy] = await Promise.all([
    read("/v1/rooms/popular", { ...range, limit: 20 }),
    read("/v1/statistics/busy-hours", { ...range, tz: zone }),
  ]);
  document.querySelector("#popular tbody").replaceChildren(...popular.items.map(row));
  showHeat(busy, form.by.value === "minutes" ? "reserved_minutes" : "reservations");
}

function row(room) {
  const hours = (room.reserved_minutes / 60).toFixed(1);
  const share = `${(room.utilization * 100).toFixed(1)} %`;
  const line = element("tr");
  line.append(...[room.rank, room.room_name, room.reservations, hours, share].map((text) => element("td", text)));
  return line;
}

function showHeat(busy, by) {
  const most = Math.max(1, ...busy.cells.map((cell) => cell[by]));
  const head = element("tr");
  head.append(element("td"), ...HOURS.map((hour) => element("th", hour, { scope: "col" })));
  document.querySelector("#heat thead").replaceChildren(head);
  const lines = DAYS.map((name, index) => {
    const line = element("tr");
    line.append(element("th", name, { scope: "row" }));
    for (const cell of busy.cells.filter((each) => each.weekday === index + 1)) {
      const count = by === "reservations" ? cell[by] : Math.round(cell[by] / 60);
      const box = element("td", count || "");
      box.style.setProperty("--share", cell[by] / most);
      box.classList.toggle("full", cell[by] / most > 0.6);
      line.append(box);
    }
    return line;
  });
  document.querySelector("#heat tbody").replaceChildren(...lines);
  document.getElementById("busiest").textContent = busy.busiest_weekday
    ? `Busiest: ${DAYS[busy.busiest_weekday - 1]}, and the hour from ${busy.busiest_hour}:00. Times of ${busy.tz}.`
    : "Nothing is reserved in this time.";
}
