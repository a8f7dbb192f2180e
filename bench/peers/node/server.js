// The reads of query-svc that bench/read compares, as one would write them for Node: fastify and pg, one process a core,
// prepared statements, answers serialized by their schema. Statements and the parameters that stay the same come from bench/read.
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import pg from 'pg'

// Each row begins with: here, generation, as_of, parked.
const settings = JSON.parse(readFileSync(process.argv[2]))

function serve () {
  const pool = new pg.Pool({ connectionString: settings.url, options: settings.options, max: settings.node_pool, min: settings.node_pool })
  const app = fastify({ logger: false })

  // The statement `name` with its n-th parameter (from 0) set.
  async function ask (name, n, value) {
    const { sql, parameters } = settings.statements[name]
    const values = parameters.slice()
    values[n] = value
    return (await pool.query({ name, text: sql, values, rowMode: 'array' })).rows
  }
  const asOf = (reply, rows) => {
    const time = rows[0][2].toISOString()
    reply.header('Projection-As-Of', time)
    return time
  }

  app.get('/v1/reservations/:id', { schema: { response: { 200: reservation } } }, async (request, reply) => {
    const rows = await ask('reservation_get', 0, request.params.id)
    asOf(reply, rows)
    reply.header('ETag', `"${rows[0][13]}"`)
    return toReservation(rows[0])
  })
  app.get('/v1/users/:id/reservations', { schema: { response: { 200: list(reservation) } } }, async (request, reply) => {
    const rows = await ask('user_reservations', 0, request.params.id)
    const limit = Number(request.query.limit)
    const items = rows[0][4] === null ? [] : rows.slice(0, limit).map(toReservation)
    return { as_of: asOf(reply, rows), items, next_cursor: rows.length > limit ? cursorAfter(items.at(-1)) : null }
  })
  app.get('/v1/rooms/popular', { schema: { response: { 200: list(rank) } } }, async (request, reply) => {
    const rows = await ask('rooms_popular_reservations', 12, null)
    const minutes = (Date.parse(request.query.to) - Date.parse(request.query.from)) / 60000
    const items = rows.slice(0, 50).map((r) => ({
      room_id: Number(r[4]), room_name: r[5], rank: Number(r[6]), reservations: Number(r[7]), reserved_minutes: Number(r[8]), utilization: Number(r[8]) / minutes
    }))
    return { as_of: asOf(reply, rows), items, next_cursor: rows.length > 50 ? String(items.at(-1).room_id) : null }
  })
  app.get('/v1/rooms/:id/free', { schema: { response: { 200: list(gap) } } }, async (request, reply) => {
    const rows = await ask('room_free', 0, request.params.id)
    const items = rows[0][4] === null
      ? []
      : rows.slice(0, 50).map((r) => ({ starts_at: r[4].toISOString(), ends_at: r[5].toISOString(), minutes: Number(r[6]) }))
    return { as_of: asOf(reply, rows), items, next_cursor: rows.length > 50 ? items.at(-1).ends_at : null }
  })
  app.get('/v1/statistics/busy-hours', { schema: { response: { 200: busyHours } } }, async (request, reply) => {
    const rows = await ask('busy_hours', 2, request.query.tz)
    return { as_of: asOf(reply, rows), tz: request.query.tz, ...fold(rows, Date.parse(request.query.from), Date.parse(request.query.to)) }
  })
  app.listen({ host: '127.0.0.1', port: settings.node_port })
}

function toReservation (r) {
  return {
    id: r[4], room_id: Number(r[5]), room_name: r[6], room_location: r[7], user_id: r[8], title: r[9], starts_at: r[10].toISOString(),
    ends_at: r[11].toISOString(), state: r[12], version: r[13], created_at: r[14].toISOString(), updated_at: r[15].toISOString()
  }
}

function cursorAfter (item) {
  return Buffer.from(`${item.starts_at} ${item.id}`).toString('base64url')
}

// Rows of day, starts, minutes, the local second at the day's begin, and the local seconds of a day that has not 24 hours.
function fold (rows, from, to) {
  const starts = new Array(168).fill(0)
  const minutes = new Array(168).fill(0)
  for (const [, , , , day, dayStarts, dayMinutes, begin, locals] of rows) {
    const lo = Math.max(0, (from / 86400000 - day) * 96)
    const hi = Math.min(96, (to / 86400000 - day) * 96)
    for (let q = lo; q < hi; q++) {
      const local = locals === null ? Number(begin) + q * 900 : Number(locals[q])
      const cell = (Math.floor(local / 86400) + 3) % 7 * 24 + Math.floor(local % 86400 / 3600)
      starts[cell] += dayStarts[q]
      minutes[cell] += dayMinutes[q]
    }
  }
  const cells = starts.map((n, i) => ({ weekday: Math.floor(i / 24) + 1, hour: i % 24, reservations: n, reserved_minutes: minutes[i] }))
  const weekdays = new Array(7).fill(0)
  const hours = new Array(24).fill(0)
  starts.forEach((n, i) => { weekdays[Math.floor(i / 24)] += n; hours[i % 24] += n })
  return { cells, busiest_weekday: weekdays.indexOf(Math.max(...weekdays)) + 1, busiest_hour: hours.indexOf(Math.max(...hours)) }
}

const text = { type: 'string' }
const integer = { type: 'integer' }
const nullable = { type: 'string', nullable: true }
const object = (properties) => ({ type: 'object', properties })
const list = (item) => object({ as_of: text, items: { type: 'array', items: item }, next_cursor: nullable })
const reservation = object({
  id: text, room_id: integer, room_name: nullable, room_location: nullable, user_id: text, title: nullable, starts_at: text, ends_at: text,
  state: text, version: integer, created_at: text, updated_at: text
})
const rank = object({ room_id: integer, room_name: nullable, rank: integer, reservations: integer, reserved_minutes: integer, utilization: { type: 'number' } })
const gap = object({ starts_at: text, ends_at: text, minutes: integer })
const cell = object({ weekday: integer, hour: integer, reservations: integer, reserved_minutes: integer })
const busyHours = object({ as_of: text, tz: text, cells: { type: 'array', items: cell }, busiest_weekday: integer, busiest_hour: integer })

if (cluster.isPrimary) {
  for (let i = 0; i < settings.cores; i++) cluster.fork()
} else {
  serve()
}
