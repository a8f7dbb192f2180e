// Times: people see and type those of their own zone, the services get UTC.

const pad = (number) => String(number).padStart(2, "0");

export const day = (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
export const clock = (date) => `${pad(date.getHours())}:${pad(date.getMinutes())}`;
export const utc = (date) => `${date.toISOString().slice(0, 19)}Z`;
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function midnight(text, daysLater = 0) {
  const date = new Date(`${text}T00:00`);
  date.setDate(date.getDate() + daysLater);
  return date;
}

export function inDays(days) {
  const date = new Date();
  date.setDate(date.getDate() + days);
  return day(date);
}

export function later(date, minutes) {
  return new Date(date.getTime() + minutes * 60_000);
}

// [from, to) of a form with a day and two clock times; a "to" at or before "from" is on the next day.
export function span(dayText, from, to) {
  const start = new Date(`${dayText}T${from}`);
  const end = new Date(`${dayText}T${to}`);
  if (end <= start) {
    end.setDate(end.getDate() + 1);
  }
  return { starts_at: utc(start), ends_at: utc(end) };
}

const dates = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

export function spanInWords(item) {
  const start = new Date(item.starts_at);
  const end = new Date(item.ends_at);
  const until = day(start) === day(end) ? clock(end) : `${dates.format(end)} ${clock(end)}`;
  return `${dates.format(start)}, ${clock(start)}–${until}`;
}
