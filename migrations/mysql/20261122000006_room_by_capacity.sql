-- migrate:up

-- A room that is taken is answered with others of its size or larger, found in this order.
ALTER TABLE room ADD KEY by_capacity (active, capacity);

-- migrate:down

ALTER TABLE room DROP KEY by_capacity;
