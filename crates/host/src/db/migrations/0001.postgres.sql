-- Version 1: tasks, their attempts, events, requests and notifications; workers and servers.

CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    prompt TEXT NOT NULL,
    summary TEXT NOT NULL,
    cwd TEXT NOT NULL,
    model TEXT,
    sandbox TEXT NOT NULL,
    approval_policy TEXT NOT NULL,
    if_lost TEXT NOT NULL,
    notify TEXT,
    idempotency_key TEXT UNIQUE,
    asked_thread_id TEXT,
    retry_of TEXT,
    status TEXT NOT NULL,
    flags BIGINT NOT NULL DEFAULT 0,
    paused BIGINT NOT NULL DEFAULT 0,
    interrupted_by TEXT,
    failing TEXT,
    settle_at BIGINT,
    attempt BIGINT NOT NULL DEFAULT 0,
    thread_id TEXT,
    turn_id TEXT,
    last_progress TEXT,
    final_text TEXT,
    error TEXT,
    note TEXT,
    usage TEXT,
    ended_by TEXT,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_expires_at BIGINT,
    last_seq BIGINT NOT NULL DEFAULT 0,
    last_batch BIGINT NOT NULL DEFAULT 0,
    events_from BIGINT NOT NULL DEFAULT 1
);

CREATE INDEX tasks_by_status ON tasks (status, id);
CREATE INDEX tasks_by_owner ON tasks (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX tasks_to_settle ON tasks (settle_at) WHERE settle_at IS NOT NULL;
CREATE INDEX tasks_by_end ON tasks (ended_at) WHERE ended_at IS NOT NULL;
-- Two tasks never run on one thread at the same time.
CREATE UNIQUE INDEX tasks_busy_thread ON tasks (thread_id)
    WHERE status IN ('starting', 'working', 'waiting_for_approval', 'waiting_for_user_input');

CREATE TABLE attempts (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    client_message_id TEXT NOT NULL UNIQUE,
    server TEXT,
    thread_id TEXT,
    turn_id TEXT,
    intended_at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    ended_at BIGINT,
    outcome TEXT,
    error TEXT,
    PRIMARY KEY (task_id, attempt)
);

CREATE TABLE events (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    summary TEXT NOT NULL,
    payload TEXT,
    merged BIGINT NOT NULL,
    clipped BIGINT NOT NULL,
    PRIMARY KEY (task_id, seq)
);

CREATE INDEX events_by_age ON events (at);

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    server TEXT NOT NULL,
    request_id TEXT NOT NULL,
    item_id TEXT NOT NULL DEFAULT '',
    approval_id TEXT NOT NULL DEFAULT '',
    method TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    deadline_at BIGINT,
    answer TEXT,
    answered_by TEXT,
    answered_at BIGINT,
    forced BIGINT NOT NULL DEFAULT 0,
    sent_at BIGINT,
    closed_at BIGINT,
    UNIQUE (server, request_id, item_id, approval_id)
);

CREATE INDEX requests_of_task ON requests (task_id, status);
CREATE INDEX requests_due ON requests (deadline_at) WHERE status = 'open';

CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id) ON DELETE CASCADE,
    target TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    digest TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    claim TEXT,
    claimed_until BIGINT,
    sent_at BIGINT,
    error TEXT
);

CREATE INDEX notifications_due ON notifications (next_at) WHERE state = 'pending';
CREATE INDEX notifications_by_digest ON notifications (digest) WHERE digest IS NOT NULL;

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    gone_at BIGINT
);

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
