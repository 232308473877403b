import type { Migration } from '@openpista/common'

/** A scheduled text that others' words are behind is remembered as the agent's, for the agent wrote it. */
export const scheduleSourcesMigration: Migration = {
  name: 'sources of schedules',
  up: `
ALTER TABLE schedules ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
DROP TRIGGER said_by_user;
CREATE TRIGGER said_by_user AFTER INSERT ON messages WHEN new.role = 'user' BEGIN
  INSERT INTO said(message_id, session_id, by, text, at)
  SELECT new.id, new.session_id,
    CASE WHEN json_extract(new.body, '$.parts[0].provenance.kind') IN ('owner', 'schedule', 'system')
        AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.id = new.id AND json_extract(inbox.body, '$.work.kind') IS NOT NULL) THEN 'owner'
      WHEN EXISTS (SELECT 1 FROM inbox WHERE inbox.id = new.id
        AND (json_extract(inbox.body, '$.work.kind') IS NOT NULL OR json_extract(inbox.body, '$.schedule') IS NOT NULL)) THEN 'agent'
      ELSE 'person' END,
    coalesce((SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(new.body, '$.parts')
      WHERE json_extract(value, '$.type') = 'text'), ''), new.created_at;
END;
`,
}
