-- From version 1 to 2: deliveries with their attempts, the feed of events, sweeping, what only a sandbox has.

CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE old_delivery AS SELECT webhook_id, event_seq, id, state FROM delivery;
DROP TABLE delivery;

CREATE TABLE new_event (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL,
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  type        TEXT NOT NULL,
  task_id     TEXT REFERENCES task (id),
  owner_id    TEXT,
  human_id    TEXT,
  data        TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO new_event SELECT seq, id, livemode, type, task_id, owner_id, human_id, data, created_at FROM event;
DROP TABLE event;
ALTER TABLE new_event RENAME TO event;
CREATE INDEX event_owner ON event (owner_id, livemode, seq) WHERE owner_id IS NOT NULL;
CREATE INDEX event_human ON event (human_id, livemode, seq) WHERE human_id IS NOT NULL;
CREATE INDEX event_task ON event (task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX event_age ON event (livemode, created_at, seq);

CREATE TABLE event_sweep (livemode INTEGER PRIMARY KEY CHECK (livemode IN (0, 1)), seq INTEGER NOT NULL) STRICT;
INSERT INTO event_sweep VALUES (0, 0), (1, 0);

CREATE TABLE new_webhook (
  id                     TEXT PRIMARY KEY,
  user_id                TEXT NOT NULL REFERENCES user (id),
  livemode               INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  url                    TEXT NOT NULL,
  events                 TEXT NOT NULL,
  description            TEXT,
  secret                 TEXT NOT NULL,
  previous_secret        TEXT,
  previous_secret_until  INTEGER,
  active                 INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  disabled_reason        TEXT CHECK (disabled_reason IN ('gone', 'failing')),
  failing_since          INTEGER,
  deleted_at             INTEGER,
  created_at             INTEGER NOT NULL,
  CHECK (disabled_reason IS NULL OR active = 0)
) STRICT;
INSERT INTO new_webhook (id, user_id, livemode, url, events, description, secret, active, created_at)
  SELECT id, user_id, livemode, url, events, description, secret, active, created_at FROM webhook;
DROP TABLE webhook;
ALTER TABLE new_webhook RENAME TO webhook;
CREATE INDEX webhook_user ON webhook (user_id, livemode, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_deleted ON webhook (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX webhook_rotated ON webhook (livemode, previous_secret_until) WHERE previous_secret IS NOT NULL;

CREATE TABLE delivery (
  webhook_id  TEXT NOT NULL REFERENCES webhook (id),
  event_seq   INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
  id          TEXT NOT NULL UNIQUE,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  retries     INTEGER NOT NULL DEFAULT 0,
  retry_at    INTEGER,
  misdelivery  TEXT CHECK (misdelivery IN ('twice', 'late')),
  overtaken_by  INTEGER,
  PRIMARY KEY (webhook_id, event_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_event ON delivery (event_seq);
CREATE INDEX delivery_pending ON delivery (webhook_id, retry_at, event_seq) WHERE state = 'pending';
CREATE INDEX delivery_failed ON delivery (webhook_id, event_seq) WHERE state = 'failed';
CREATE INDEX delivery_late ON delivery (webhook_id, overtaken_by) WHERE misdelivery = 'late';

CREATE TABLE delivery_count (
  webhook_id  TEXT NOT NULL,
  state       TEXT NOT NULL,
  deliveries  INTEGER NOT NULL CHECK (deliveries >= 0),
  PRIMARY KEY (webhook_id, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER delivery_counts_in AFTER INSERT ON delivery BEGIN
  INSERT INTO delivery_count VALUES (NEW.webhook_id, NEW.state, 1) ON CONFLICT DO UPDATE SET deliveries = deliveries + 1;
END;
CREATE TRIGGER delivery_counts_out AFTER DELETE ON delivery BEGIN
  UPDATE delivery_count SET deliveries = deliveries - 1 WHERE webhook_id = OLD.webhook_id AND state = OLD.state;
END;
CREATE TRIGGER delivery_counts_over AFTER UPDATE OF state ON delivery WHEN OLD.state <> NEW.state BEGIN
  UPDATE delivery_count SET deliveries = deliveries - 1 WHERE webhook_id = OLD.webhook_id AND state = OLD.state;
  INSERT INTO delivery_count VALUES (NEW.webhook_id, NEW.state, 1) ON CONFLICT DO UPDATE SET deliveries = deliveries + 1;
END;
INSERT INTO delivery (webhook_id, event_seq, id, state) SELECT webhook_id, event_seq, id, state FROM old_delivery;
DROP TABLE old_delivery;

CREATE TABLE attempt (
  delivery_id  TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  number       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  latency_ms   INTEGER NOT NULL,
  status       INTEGER,
  response     TEXT,
  error        TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE test_clock (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  lead_ms    INTEGER NOT NULL,
  frozen_at  INTEGER,
  shown      INTEGER NOT NULL
) STRICT;
INSERT INTO test_clock VALUES (1, 0, NULL, 0);

CREATE TABLE snapshot (
  seq     INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  name    TEXT,
  at      INTEGER NOT NULL,
  frozen  INTEGER NOT NULL CHECK (frozen IN (0, 1)),
  schema  INTEGER NOT NULL,
  rows    INTEGER NOT NULL
) STRICT;
CREATE TABLE snapshot_row (
  snapshot_id  TEXT NOT NULL REFERENCES snapshot (id),
  part         TEXT NOT NULL,
  number       INTEGER NOT NULL,
  row          TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, part, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE simulated_human (
  user_id   TEXT PRIMARY KEY REFERENCES user (id),
  owner_id  TEXT NOT NULL REFERENCES user (id),
  persona   TEXT CHECK (persona IN ('diligent', 'sloppy', 'late', 'ghost', 'disputes')),
  UNIQUE (owner_id, persona)
) STRICT, WITHOUT ROWID;

CREATE TABLE autopilot (
  task_id   TEXT NOT NULL REFERENCES task (id),
  step      TEXT NOT NULL CHECK (step IN ('apply', 'answer', 'submit', 'dispute')),
  human_id  TEXT NOT NULL REFERENCES simulated_human (user_id),
  due_at    INTEGER NOT NULL,
  PRIMARY KEY (task_id, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX autopilot_due ON autopilot (due_at);
