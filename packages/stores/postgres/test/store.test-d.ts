import type { PGlite, Transaction } from "@electric-sql/pglite";
import type { Transactor, TxOf } from "@postrider/core";
import { fromPg, fromPglite, pgTransactor } from "@postrider/core/sql";
import type { Client, Pool, PoolClient } from "pg";
import { postgres } from "@postrider/postgres";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function holds<T extends true>(): T;

declare const pool: Pool;
declare const client: Client;
declare const poolClient: PoolClient;
declare const database: PGlite;
declare const pgliteTx: Transaction;
interface OrmTx {
  readonly orm: true;
}
declare const ormTransactor: Transactor<OrmTx>;

// A handler's `tx` is the pool's own client, PGlite's transaction, or what the transactor makes it.
const onPool = postgres({ pool });
holds<Equal<TxOf<typeof onPool>, PoolClient>>();
const onPglite = postgres({ pglite: database, schema: "messaging" });
holds<Equal<TxOf<typeof onPglite>, Transaction>>();
const onOrm = postgres({ pool, transactor: ormTransactor });
holds<Equal<TxOf<typeof onOrm>, OrmTx>>();
const onOrmPglite = postgres({ pglite: database, transactor: ormTransactor });
holds<Equal<TxOf<typeof onOrmPglite>, OrmTx>>();
const transactor = pgTransactor(pool);
holds<Equal<TxOf<typeof transactor>, PoolClient>>();

fromPg(client);
fromPg(poolClient);
fromPglite(pgliteTx);

// @ts-expect-error A pool has no transaction: each of its statements commits by itself.
fromPg(pool);
// @ts-expect-error The database is no transaction.
fromPglite(database);
// @ts-expect-error A client is no pool.
postgres({ pool: client });
// @ts-expect-error A client of a pool is no pool.
postgres({ pool: poolClient });
// @ts-expect-error A client is no pool.
pgTransactor(client);
// @ts-expect-error One of the two.
postgres({ pool, pglite: database });
// @ts-expect-error Neither.
postgres({ schema: "messaging" });
// @ts-expect-error A transaction is no database.
postgres({ pglite: pgliteTx });
