export { fakeClock, type FakeClock, type RunUntilOptions } from "./fake-clock.ts";
