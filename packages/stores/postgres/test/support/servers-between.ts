import { serverUrl } from "@postrider/test-servers";
import { serverAt, type Server } from "./databases.ts";

/** The majors between the oldest and the newest that there is here. */
export const serversBetween: readonly Server[] = [
  serverAt("PostgreSQL 16", () => serverUrl("postgres16")),
  serverAt("PostgreSQL 17", () => serverUrl("postgres17")),
];
