import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { WindlassError } from '../../base/errors.ts';
import type { AnyObject } from '../types.ts';
import type { Persistence } from './store.ts';

export interface SavedState extends Persistence {
  /** Small values that belong to the cluster and not to an object: keys, certificates, tokens. */
  setting(name: string): string | undefined;
  saveSetting(name: string, value: string): void;
}

/**
 * Keeps the store in `dataDir`/sandbox.db. The file holds Secrets and keys, so only its owner may read it.
 * @throws WindlassError InvalidArgument when the folder cannot be used
 */
export async function openSavedState(dataDir: string): Promise<SavedState> {
  const { DatabaseSync } = await import('node:sqlite');
  const file = path.join(dataDir, 'sandbox.db');
  const open = () => {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    const opened = new DatabaseSync(file);
    opened.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS object (storage TEXT, key TEXT, json TEXT NOT NULL, PRIMARY KEY (storage, key)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    `);
    return opened;
  };
  const database = (() => {
    try {
      return open();
    } catch (cause) {
      throw new WindlassError('InvalidArgument', `cannot keep the sandbox's objects in ${file}`, {
        cause,
        hint: 'give a folder that you may write to and that no other sandbox uses',
      });
    }
  })();
  const upsert = database.prepare(
    'INSERT INTO object VALUES (?, ?, ?) ON CONFLICT (storage, key) DO UPDATE SET json = excluded.json',
  );
  const remove = database.prepare('DELETE FROM object WHERE storage = ? AND key = ?');
  const save = database.prepare(
    'INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const read = database.prepare('SELECT value FROM setting WHERE name = ?');
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const inTransaction = (run: () => void) => {
    begin.run();
    try {
      run();
      commit.run();
    } catch (error) {
      rollback.run();
      throw error;
    }
  };
  const setting = (name: string) => {
    const value = read.get(name)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    load() {
      const rows = database.prepare('SELECT storage, key, json FROM object').all();
      return {
        revision: Number(setting('revision') ?? 0),
        objects: rows.map((row) => ({
          storage: String(row.storage),
          key: String(row.key),
          object: JSON.parse(String(row.json)) as AnyObject,
        })),
      };
    },
    put: (storage, key, object, revision) =>
      inTransaction(() => {
        upsert.run(storage, key, JSON.stringify(object));
        save.run('revision', String(revision));
      }),
    remove: (storage, key, revision) =>
      inTransaction(() => {
        remove.run(storage, key);
        save.run('revision', String(revision));
      }),
    setting,
    saveSetting: (name, value) => {
      save.run(name, value);
    },
    close: () => database.close(),
  };
}
