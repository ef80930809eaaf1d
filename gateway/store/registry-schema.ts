/** The tables of the registry: owners (patients), devices, device keys, and requests to change them. */
import { ENROLMENT_SCHEMA } from './enrolment-store.ts';

export const REGISTRY_SCHEMA = `
CREATE TABLE IF NOT EXISTS owners (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,           -- the patient's pseudonym; '' is the gateway itself
  wrapped BLOB                            -- data key under the master key; null once erased
) STRICT;
CREATE TABLE IF NOT EXISTS devices (
  id          INTEGER PRIMARY KEY,
  urn         TEXT NOT NULL UNIQUE,
  owner       INTEGER NOT NULL REFERENCES owners (id),
  provider    TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
  status_at   INTEGER NOT NULL,           -- since when
  ended_from  INTEGER,                    -- of a revoked one: from when nothing it signed is trusted; at most status_at
  end_reason  TEXT,                       -- of a revoked one: why, when that was said
  ended_size  INTEGER,                    -- of a revoked one: so many entries were in the log by ended_from
  enrolled_at INTEGER NOT NULL,
  last_seen   INTEGER,
  statements  INTEGER NOT NULL DEFAULT 0, -- in the log; counted here, because counting them there takes as long as they are many
  received    INTEGER NOT NULL DEFAULT 0, -- messages under its name that were judged, whatever became of them
  cadence_s   INTEGER,                    -- longest silence that is in order, seconds; 0: any; null: as configured
  silent_at   INTEGER                     -- when it was found silent past its cadence; null while it is not
) STRICT;
CREATE TABLE IF NOT EXISTS device_keys (
  device     INTEGER NOT NULL REFERENCES devices (id),
  kid        BLOB NOT NULL,               -- 8 bytes
  cose_key   BLOB NOT NULL,
  added_at   INTEGER NOT NULL,
  retired_at INTEGER,                     -- when it was put out of use
  ended_from INTEGER,                     -- from when it is good no more: at most retired_at; in use still: when it will be retired
  end_reason TEXT,                        -- why, when that was said
  ended_size INTEGER,                     -- so many entries were in the log by ended_from
  PRIMARY KEY (device, kid)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS device_keys_to_retire ON device_keys (ended_from) WHERE retired_at IS NULL AND ended_from IS NOT NULL;
CREATE TABLE IF NOT EXISTS registry_requests (
  id         INTEGER PRIMARY KEY,
  request    TEXT NOT NULL,               -- JSON, gateway/log/device-requests.ts
  outcome    TEXT                         -- null while waiting; '' when done; otherwise why it was refused
) STRICT;
${ENROLMENT_SCHEMA}`;

/** A device that is in the log is enrolled, unless it came in a batch that is still under way. */
export const IS_ENROLLED = 'NOT EXISTS (SELECT 1 FROM arriving_devices a WHERE a.device = d.id)';
