import { databases } from "./support/databases.ts";
import { newest } from "./support/servers.ts";
import { storeSuites } from "./support/suites.ts";

for (const database of [...databases, newest]) storeSuites(database);
