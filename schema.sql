-- The whole truth of the database. Times are milliseconds since the Unix epoch, money is integer micro-units of A9,
-- ids are the public ones, `livemode` is 0 for test and 1 for live: the two never meet in one row.
-- `seq` columns count up with every insert, so that lists have an order that no clock can disturb.
-- Where rows are written all the time, a CHECK names one value after the other and a trigger writes one row after the other:
-- for an IN of three or more, and for several rows of VALUES, SQLite makes a table of its own each time.

----------------------------------------------------------------------------------------------------- accounts of people

CREATE TABLE user (
  id             TEXT PRIMARY KEY,
  email          TEXT NOT NULL UNIQUE,                       -- lower-cased: emails compare case-insensitively
  password_hash  TEXT NOT NULL,                              -- argon2id, PHC string
  role           TEXT NOT NULL CHECK (role IN ('agent', 'human', 'admin')),
  display_name   TEXT NOT NULL,
  skills         TEXT NOT NULL,                              -- JSON array
  city           TEXT,
  referral_code  TEXT NOT NULL UNIQUE,
  suspended_at   INTEGER,
  created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE referral (
  id            TEXT PRIMARY KEY,
  referrer_id   TEXT NOT NULL REFERENCES user (id),
  referred_id   TEXT NOT NULL UNIQUE REFERENCES user (id),   -- one is referred once, at registration
  created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX referral_of_referrer ON referral (referrer_id, id);

-- What a referral earned, once in each mode.
CREATE TABLE referral_bonus (
  referral_id   TEXT NOT NULL REFERENCES referral (id),
  livemode      INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  amount        INTEGER NOT NULL CHECK (amount >= 0),
  completed_at  INTEGER NOT NULL,
  PRIMARY KEY (referral_id, livemode)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  token_hash    BLOB PRIMARY KEY,                            -- SHA-256: a refresh token is never stored in clear
  family        TEXT NOT NULL,                               -- all tokens rotated from one login
  user_id       TEXT NOT NULL REFERENCES user (id),
  signed_in_at  INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  used_at       INTEGER                                      -- presented again after this: the family is revoked
) STRICT, WITHOUT ROWID;
CREATE INDEX session_family ON session (family);
CREATE INDEX session_user ON session (user_id);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE api_key (
  id          TEXT PRIMARY KEY,
  user_id     TEXT NOT NULL REFERENCES user (id),
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  name        TEXT NOT NULL,
  prefix      TEXT NOT NULL,                                 -- enough to recognise a key, too little to guess it
  hash        BLOB NOT NULL UNIQUE,                          -- SHA-256
  scopes      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;
CREATE INDEX api_key_user ON api_key (user_id, livemode, id);

-- Keys the server made for itself at first start.
CREATE TABLE server_key (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- The clock of test data: so far before the wall's, or frozen at an instant. It never shows less than it has shown.
CREATE TABLE test_clock (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  lead_ms    INTEGER NOT NULL,
  frozen_at  INTEGER,
  shown      INTEGER NOT NULL
) STRICT;
INSERT INTO test_clock VALUES (1, 0, NULL, 0);

-- Test data as it was, to be put back: each row of each table as a JSON array of its columns (`store::snapshot`).
CREATE TABLE snapshot (
  seq     INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  name    TEXT,
  at      INTEGER NOT NULL,                                  -- what the test clock showed
  frozen  INTEGER NOT NULL CHECK (frozen IN (0, 1)),
  schema  INTEGER NOT NULL,                                  -- the version its rows are of
  rows    INTEGER NOT NULL
) STRICT;
CREATE TABLE snapshot_row (
  snapshot_id  TEXT NOT NULL REFERENCES snapshot (id),
  part         TEXT NOT NULL,                                -- the table's name
  number       INTEGER NOT NULL,
  row          TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, part, number)
) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------------------- the ledger
-- Double entry: a transfer takes one amount from one account to another, and is never edited or deleted.
-- Balances move only through the trigger below, so the sum over all accounts is always 0.

CREATE TABLE account (
  id        INTEGER PRIMARY KEY,
  livemode  INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  owner     TEXT REFERENCES user (id),
  kind      TEXT NOT NULL CHECK (kind IN ('available', 'frozen', 'platform', 'world')),
  balance   INTEGER NOT NULL DEFAULT 0,
  CHECK (balance >= 0 OR kind = 'world'),
  CHECK ((owner IS NULL) = (kind IN ('platform', 'world')))
) STRICT;
CREATE UNIQUE INDEX account_of_owner ON account (owner, livemode, kind) WHERE owner IS NOT NULL;
CREATE UNIQUE INDEX account_of_house ON account (livemode, kind) WHERE owner IS NULL;

INSERT INTO account (livemode, owner, kind) VALUES (0, NULL, 'platform'), (0, NULL, 'world'), (1, NULL, 'platform'), (1, NULL, 'world');

CREATE TABLE transfer (
  seq                   INTEGER PRIMARY KEY,
  id                    TEXT NOT NULL UNIQUE,
  livemode              INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  kind                  TEXT NOT NULL CHECK (kind = 'deposit' OR kind = 'withdrawal' OR kind = 'escrow_lock' OR kind = 'escrow_refund'
    OR kind = 'payout' OR kind = 'fee' OR kind = 'referral_bonus' OR kind = 'grant'),
  debit_account         INTEGER NOT NULL REFERENCES account (id),   -- gives
  credit_account        INTEGER NOT NULL REFERENCES account (id),   -- receives
  amount                INTEGER NOT NULL CHECK (amount > 0),
  debit_balance_after   INTEGER NOT NULL,
  credit_balance_after  INTEGER NOT NULL,
  task_id               TEXT REFERENCES task (id),
  reference             TEXT,                                       -- the operator's own: twice is once
  description           TEXT NOT NULL,
  created_at            INTEGER NOT NULL,
  CHECK (debit_account <> credit_account)
) STRICT;
CREATE INDEX transfer_debit ON transfer (debit_account, kind, seq);
CREATE INDEX transfer_credit ON transfer (credit_account, kind, seq);
CREATE UNIQUE INDEX transfer_reference ON transfer (livemode, kind, reference) WHERE reference IS NOT NULL;

-- Number and sum of each account's transfers by kind: lifetime totals and list totals, without a scan.
CREATE TABLE account_total (
  account    INTEGER NOT NULL REFERENCES account (id),
  kind       TEXT NOT NULL,
  transfers  INTEGER NOT NULL,
  amount     INTEGER NOT NULL,
  PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER transfer_moves_balances AFTER INSERT ON transfer BEGIN
  UPDATE account SET balance = balance - NEW.amount WHERE id = NEW.debit_account AND livemode = NEW.livemode;
  SELECT RAISE(ABORT, 'a debit account of another mode') WHERE changes() <> 1;
  UPDATE account SET balance = balance + NEW.amount WHERE id = NEW.credit_account AND livemode = NEW.livemode;
  SELECT RAISE(ABORT, 'a credit account of another mode') WHERE changes() <> 1;
  INSERT INTO account_total VALUES (NEW.debit_account, NEW.kind, 1, NEW.amount)
    ON CONFLICT DO UPDATE SET transfers = transfers + 1, amount = amount + excluded.amount;
  INSERT INTO account_total VALUES (NEW.credit_account, NEW.kind, 1, NEW.amount)
    ON CONFLICT DO UPDATE SET transfers = transfers + 1, amount = amount + excluded.amount;
END;
CREATE TRIGGER transfer_is_final BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never edited'); END;
CREATE TRIGGER transfer_stays BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;

CREATE TABLE escrow (
  id          TEXT PRIMARY KEY,
  task_id     TEXT NOT NULL UNIQUE REFERENCES task (id),
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  owner       TEXT NOT NULL REFERENCES user (id),
  amount      INTEGER NOT NULL CHECK (amount > 0),
  status      TEXT NOT NULL DEFAULT 'held' CHECK (status = 'held' OR status = 'released' OR status = 'refunded' OR status = 'split'),
  payout      INTEGER NOT NULL DEFAULT 0 CHECK (payout >= 0),
  fee         INTEGER NOT NULL DEFAULT 0 CHECK (fee >= 0),
  refund      INTEGER NOT NULL DEFAULT 0 CHECK (refund >= 0),
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  CHECK ((status = 'held') = (ended_at IS NULL)),
  CHECK (payout + fee + refund = CASE status WHEN 'held' THEN 0 ELSE amount END)
) STRICT;
CREATE INDEX escrow_held ON escrow (owner, livemode) WHERE status = 'held';
CREATE TRIGGER escrow_ends_once BEFORE UPDATE ON escrow WHEN OLD.status <> 'held' BEGIN
  SELECT RAISE(ABORT, 'an escrow ends once');
END;
CREATE TRIGGER escrow_stays BEFORE DELETE ON escrow BEGIN SELECT RAISE(ABORT, 'an escrow is never deleted'); END;

------------------------------------------------------------------------------------------------------------------ tasks

CREATE TABLE task (
  seq               INTEGER PRIMARY KEY,
  id                TEXT NOT NULL UNIQUE,
  livemode          INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  status            TEXT NOT NULL CHECK (status = 'open' OR status = 'assigned' OR status = 'submitted' OR status = 'rejected'
    OR status = 'disputed' OR status = 'completed' OR status = 'refunded' OR status = 'cancelled' OR status = 'expired'),
  title             TEXT NOT NULL,
  description       TEXT NOT NULL,
  category          TEXT NOT NULL,
  budget            INTEGER NOT NULL CHECK (budget > 0),
  deadline          INTEGER NOT NULL,
  location          TEXT,
  remote            INTEGER NOT NULL CHECK (remote IN (0, 1)),
  urgency           TEXT NOT NULL CHECK (urgency = 'low' OR urgency = 'medium' OR urgency = 'high' OR urgency = 'urgent'),
  selection         TEXT NOT NULL CHECK (selection IN ('manual', 'first')),
  review_hours      INTEGER NOT NULL CHECK (review_hours >= 0),
  metadata          TEXT,                                    -- JSON object of strings
  escrow_id         TEXT NOT NULL,
  agent_id          TEXT NOT NULL REFERENCES user (id),
  human_id          TEXT REFERENCES user (id),
  applicant_count   INTEGER NOT NULL DEFAULT 0,
  rejection_reason  TEXT,
  rating            INTEGER CHECK (rating BETWEEN 1 AND 5),
  comment           TEXT,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  submitted_at      INTEGER,
  completed_at      INTEGER,
  dispute_until     INTEGER,
  -- What lists filter by, as one small number: status, remote, urgency (`store::task_list` reads it).
  facet INTEGER NOT NULL GENERATED ALWAYS AS (
    CASE status WHEN 'open' THEN 0 WHEN 'assigned' THEN 1 WHEN 'submitted' THEN 2 WHEN 'rejected' THEN 3
      WHEN 'disputed' THEN 4 WHEN 'completed' THEN 5 WHEN 'refunded' THEN 6 WHEN 'cancelled' THEN 7 ELSE 8 END * 8
    + remote * 4
    + CASE urgency WHEN 'low' THEN 0 WHEN 'medium' THEN 1 WHEN 'high' THEN 2 ELSE 3 END) VIRTUAL,
  -- When the clock acts next: the deadline, the end of the review, or of the time to dispute. NULL is never.
  due_at INTEGER GENERATED ALWAYS AS (
    CASE status WHEN 'open' THEN deadline WHEN 'assigned' THEN deadline WHEN 'rejected' THEN dispute_until
      WHEN 'submitted' THEN iif(review_hours > 0, submitted_at + review_hours * 3600000, NULL) END) VIRTUAL
) STRICT;
CREATE INDEX task_due ON task (livemode, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE application (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  task_id     TEXT NOT NULL REFERENCES task (id),
  human_id    TEXT NOT NULL REFERENCES user (id),
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  status      TEXT NOT NULL CHECK (status = 'pending' OR status = 'selected' OR status = 'not_selected'),
  message     TEXT,
  created_at  INTEGER NOT NULL,
  UNIQUE (task_id, human_id)
) STRICT;
CREATE INDEX application_human ON application (human_id, livemode, seq);
CREATE INDEX application_task ON application (task_id, seq);
CREATE TRIGGER application_counts AFTER INSERT ON application BEGIN
  UPDATE task SET applicant_count = applicant_count + 1 WHERE id = NEW.task_id;
END;

CREATE TABLE submission (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  task_id      TEXT NOT NULL REFERENCES task (id),
  human_id     TEXT NOT NULL REFERENCES user (id),
  proof        TEXT NOT NULL,
  attachments  TEXT NOT NULL,                                -- JSON array of URLs
  created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX submission_task ON submission (task_id, seq);

CREATE TABLE dispute (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  task_id        TEXT NOT NULL REFERENCES task (id),
  livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  opened_by      TEXT NOT NULL REFERENCES user (id),
  reason         TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('open', 'resolved')),
  outcome        TEXT CHECK (outcome IN ('release', 'refund', 'split')),
  human_percent  INTEGER CHECK (human_percent BETWEEN 1 AND 99),
  note           TEXT,
  created_at     INTEGER NOT NULL,
  resolved_at    INTEGER,
  CHECK ((status = 'resolved') = (outcome IS NOT NULL AND resolved_at IS NOT NULL)),
  CHECK ((human_percent IS NOT NULL) = (outcome IS 'split'))
) STRICT;
CREATE INDEX dispute_status ON dispute (livemode, status, seq);
CREATE UNIQUE INDEX dispute_open ON dispute (task_id) WHERE status = 'open';

CREATE TABLE message (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  task_id     TEXT NOT NULL REFERENCES task (id),
  sender_id   TEXT NOT NULL REFERENCES user (id),
  content     TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX message_task ON message (task_id, seq);

-- Who sees which task in a list: viewer '' is everyone of the mode (open tasks), the others are its owner and those who
-- applied. One row leads to a page of any combination of filters by a few index seeks, and `task_list_count` to its total,
-- so a list costs the same however many tasks there are. Only the triggers below write these two tables.
CREATE TABLE task_list (
  livemode  INTEGER NOT NULL,
  viewer    TEXT NOT NULL,
  facet     INTEGER NOT NULL,
  task_seq  INTEGER NOT NULL,
  category  TEXT NOT NULL,
  PRIMARY KEY (livemode, viewer, facet, task_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_list_category ON task_list (livemode, viewer, category, facet, task_seq);

CREATE TABLE task_list_count (
  livemode  INTEGER NOT NULL,
  viewer    TEXT NOT NULL,
  category  TEXT NOT NULL,                                   -- '' counts all categories
  facet     INTEGER NOT NULL,
  tasks     INTEGER NOT NULL CHECK (tasks >= 0),
  PRIMARY KEY (livemode, viewer, category, facet)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER task_is_listed AFTER INSERT ON task BEGIN
  INSERT INTO task_list VALUES (NEW.livemode, '', NEW.facet, NEW.seq, NEW.category);
  INSERT INTO task_list VALUES (NEW.livemode, NEW.agent_id, NEW.facet, NEW.seq, NEW.category);
END;
CREATE TRIGGER application_is_listed AFTER INSERT ON application BEGIN
  INSERT INTO task_list SELECT livemode, NEW.human_id, facet, seq, category FROM task WHERE id = NEW.task_id;
END;
CREATE TRIGGER task_is_relisted AFTER UPDATE OF status ON task WHEN OLD.facet <> NEW.facet BEGIN
  DELETE FROM task_list WHERE livemode = OLD.livemode AND viewer = '' AND facet = OLD.facet AND task_seq = OLD.seq;
  UPDATE task_list SET facet = NEW.facet
    WHERE livemode = OLD.livemode AND facet = OLD.facet AND task_seq = OLD.seq
      AND viewer IN (SELECT OLD.agent_id UNION ALL SELECT human_id FROM application WHERE task_id = OLD.id);
END;
CREATE TRIGGER task_list_counts_in AFTER INSERT ON task_list BEGIN
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, '', NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, NEW.category, NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER task_list_counts_out AFTER DELETE ON task_list BEGIN
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = '' AND facet = OLD.facet;
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = OLD.category AND facet = OLD.facet;
END;
CREATE TRIGGER task_list_counts_over AFTER UPDATE OF facet ON task_list BEGIN
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = '' AND facet = OLD.facet;
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = OLD.category AND facet = OLD.facet;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, '', NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, NEW.category, NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;

-- Full text of titles and descriptions, by task seq. The writer fills it at the end of each commit, in one go.
CREATE VIRTUAL TABLE task_text USING fts5 (title, description, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2');

-- Every attempt the Risk Gate refused, for the operator.
CREATE TABLE risk_attempt (
  seq         INTEGER PRIMARY KEY,
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  user_id     TEXT NOT NULL REFERENCES user (id),
  category    TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

---------------------------------------------------------------------------------------------------- what others are told

-- The outbox: written in the transaction that caused it, read by the feed, delivered by the webhook thread.
-- Its seq is the feed's cursor: strictly increasing, because the newest row is never swept.
CREATE TABLE event (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL,
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  type        TEXT NOT NULL,
  task_id     TEXT REFERENCES task (id),                     -- NULL: the test of an endpoint
  owner_id    TEXT,                                          -- who of the two is told: NULL is not
  human_id    TEXT,
  data        TEXT NOT NULL,                                 -- the envelope's `data`, JSON
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX event_owner ON event (owner_id, livemode, seq) WHERE owner_id IS NOT NULL;
CREATE INDEX event_human ON event (human_id, livemode, seq) WHERE human_id IS NOT NULL;
CREATE INDEX event_task ON event (task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX event_age ON event (livemode, created_at, seq);

-- The newest of each mode's events that were swept: a cursor below it has missed some.
CREATE TABLE event_sweep (livemode INTEGER PRIMARY KEY CHECK (livemode IN (0, 1)), seq INTEGER NOT NULL) STRICT;
INSERT INTO event_sweep VALUES (0, 0), (1, 0);

CREATE TABLE webhook (
  id                     TEXT PRIMARY KEY,
  user_id                TEXT NOT NULL REFERENCES user (id),
  livemode               INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  url                    TEXT NOT NULL,
  events                 TEXT NOT NULL,                      -- JSON array of event types
  description            TEXT,
  secret                 TEXT NOT NULL,                      -- signs every delivery, so it cannot be a digest
  previous_secret        TEXT,                               -- signs beside it until the rotation is over
  previous_secret_until  INTEGER,
  active                 INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  disabled_reason        TEXT CHECK (disabled_reason IN ('gone', 'failing')),
  failing_since          INTEGER,                            -- the first failure after the last success
  deleted_at             INTEGER,                            -- its deliveries are swept in small steps, then the row
  created_at             INTEGER NOT NULL,
  CHECK (disabled_reason IS NULL OR active = 0)
) STRICT;
CREATE INDEX webhook_user ON webhook (user_id, livemode, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_deleted ON webhook (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX webhook_rotated ON webhook (livemode, previous_secret_until) WHERE previous_secret IS NOT NULL;

-- An event's way to one endpoint, fanned out in the event's own transaction.
CREATE TABLE delivery (
  webhook_id  TEXT NOT NULL REFERENCES webhook (id),
  event_seq   INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
  id          TEXT NOT NULL UNIQUE,
  state       TEXT NOT NULL CHECK (state = 'pending' OR state = 'delivered' OR state = 'failed'),
  retries     INTEGER NOT NULL DEFAULT 0,                    -- used up since the last first attempt
  retry_at    INTEGER,                                       -- of a pending one; NULL: as soon as its turn comes
  misdelivery  TEXT CHECK (misdelivery IN ('twice', 'late')), -- what a sandbox is still to do to it, on demand
  overtaken_by  INTEGER,                                     -- the event that a late one comes after
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

-- What came of each time a delivery was sent.
CREATE TABLE attempt (
  delivery_id  TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  number       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  latency_ms   INTEGER NOT NULL,
  status       INTEGER,                                      -- NULL: there was no answer
  response     TEXT,                                         -- its first KiB
  error        TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE notification (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  user_id     TEXT NOT NULL REFERENCES user (id),
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  type        TEXT NOT NULL,
  title       TEXT NOT NULL,
  body        TEXT NOT NULL,
  task_id     TEXT REFERENCES task (id),
  read        INTEGER NOT NULL DEFAULT 0 CHECK (read IN (0, 1)),
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX notification_user ON notification (user_id, livemode, seq);
CREATE INDEX notification_unread ON notification (user_id, livemode) WHERE read = 0;

CREATE TABLE notification_count (
  user_id   TEXT NOT NULL,
  livemode  INTEGER NOT NULL,
  total     INTEGER NOT NULL,
  unread    INTEGER NOT NULL CHECK (unread BETWEEN 0 AND total),
  PRIMARY KEY (user_id, livemode)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER notification_counts AFTER INSERT ON notification BEGIN
  INSERT INTO notification_count VALUES (NEW.user_id, NEW.livemode, 1, 1)
    ON CONFLICT DO UPDATE SET total = total + 1, unread = unread + 1;
END;
CREATE TRIGGER notification_is_read AFTER UPDATE OF read ON notification WHEN OLD.read = 0 AND NEW.read = 1 BEGIN
  UPDATE notification_count SET unread = unread - 1 WHERE user_id = NEW.user_id AND livemode = NEW.livemode;
END;

------------------------------------------------------------------------------------------------------------- idempotency

-- The first answer to a request, in the same transaction as its effect: one never exists without the other.
CREATE TABLE idempotency_key (
  seq          INTEGER PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES user (id),
  livemode     INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  key          TEXT NOT NULL,
  fingerprint  BLOB NOT NULL,                                -- SHA-256 of method, path and canonical body
  status       INTEGER NOT NULL,
  body         BLOB NOT NULL,
  created_at   INTEGER NOT NULL,
  UNIQUE (user_id, livemode, key)
) STRICT;
CREATE INDEX idempotency_key_age ON idempotency_key (livemode, created_at);

------------------------------------------------------------------------------------------------------------ the sandbox

-- Accounts that the sandbox plays, and for whom: nobody else can have them act.
CREATE TABLE simulated_human (
  user_id   TEXT PRIMARY KEY REFERENCES user (id),
  owner_id  TEXT NOT NULL REFERENCES user (id),
  persona   TEXT CHECK (persona IN ('diligent', 'sloppy', 'late', 'ghost', 'disputes')), -- of one who works by itself
  UNIQUE (owner_id, persona)
) STRICT, WITHOUT ROWID;

-- What a human who works by itself does next on a task of test mode, and when.
CREATE TABLE autopilot (
  task_id   TEXT NOT NULL REFERENCES task (id),
  step      TEXT NOT NULL CHECK (step IN ('apply', 'answer', 'submit', 'dispute')),
  human_id  TEXT NOT NULL REFERENCES simulated_human (user_id),
  due_at    INTEGER NOT NULL,
  PRIMARY KEY (task_id, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX autopilot_due ON autopilot (due_at);
