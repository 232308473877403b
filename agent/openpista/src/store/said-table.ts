import type { Migration } from '@openpista/common'

/**
 * What people and the agent said, by words. `by` tells whose words they are: of a message, of whoever wrote its first
 * part. What tools gave back is not in it.
 */
export const saidMigration: Migration = {
  name: 'words',
  up: `
CREATE TABLE said (
  id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE REFERENCES messages(id) ON DELETE CASCADE, session_id TEXT NOT NULL,
  by TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX said_by_others ON said(session_id) WHERE by = 'person';
CREATE VIRTUAL TABLE said_words USING fts5(text, content='said', content_rowid='id', tokenize="unicode61 remove_diacritics 2");
CREATE TRIGGER said_new AFTER INSERT ON said BEGIN
  INSERT INTO said_words(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER said_gone AFTER DELETE ON said BEGIN
  INSERT INTO said_words(said_words, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER said_by_user AFTER INSERT ON messages WHEN new.role = 'user' BEGIN
  INSERT INTO said(message_id, session_id, by, text, at)
  SELECT new.id, new.session_id, iif(json_extract(new.body, '$.parts[0].provenance.kind') IN ('owner', 'schedule', 'system'), 'owner', 'person'),
    coalesce((SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(new.body, '$.parts')
      WHERE json_extract(value, '$.type') = 'text'), ''), new.created_at;
END;
CREATE TRIGGER said_by_agent AFTER INSERT ON messages WHEN new.role = 'assistant' AND json_extract(new.body, '$.text') <> '' BEGIN
  INSERT INTO said(message_id, session_id, by, text, at)
  VALUES (new.id, new.session_id, 'agent', json_extract(new.body, '$.text'), new.created_at);
END;
INSERT INTO said(message_id, session_id, by, text, at)
  SELECT id, session_id, iif(json_extract(body, '$.parts[0].provenance.kind') IN ('owner', 'schedule', 'system'), 'owner', 'person'),
    coalesce((SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(body, '$.parts')
      WHERE json_extract(value, '$.type') = 'text'), ''), created_at
  FROM messages WHERE role = 'user';
INSERT INTO said(message_id, session_id, by, text, at)
  SELECT id, session_id, 'agent', json_extract(body, '$.text'), created_at
  FROM messages WHERE role = 'assistant' AND json_extract(body, '$.text') <> '';
`,
}

/**
 * What is said is indexed when somebody searches, from `upto` on: it took a third of the writes of every turn. Whether
 * somebody else wrote in a session stands with the session.
 */
export const saidMarkMigration: Migration = {
  name: 'words when they are looked for',
  up: `
ALTER TABLE sessions ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET shared = 1 WHERE id IN (SELECT session_id FROM said WHERE by = 'person');
DROP INDEX said_by_others;
DROP TRIGGER said_by_user;
DROP TRIGGER said_by_agent;
CREATE TABLE said_mark (upto INTEGER NOT NULL) STRICT;
INSERT INTO said_mark SELECT coalesce(max(rowid), 0) FROM messages;
CREATE TRIGGER said_mark_back AFTER DELETE ON messages BEGIN
  UPDATE said_mark SET upto = (SELECT coalesce(max(rowid), 0) FROM messages)
  WHERE upto > (SELECT coalesce(max(rowid), 0) FROM messages);
END;
`,
}
