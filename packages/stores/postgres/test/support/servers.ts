import { serverUrl } from "@postrider/test-servers";
import { server, serverAt, type Server } from "./databases.ts";

export const newest: Server = serverAt("PostgreSQL 18", () => serverUrl("postgres18"));

/** The oldest and the newest PostgreSQL that there is here. */
export const servers: readonly Server[] = [server, newest];
