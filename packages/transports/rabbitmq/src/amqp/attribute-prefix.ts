/** The prefix of CloudEvents attributes among the headers. */
export type AttributePrefix = "cloudEvents:" | "cloudEvents_" | "ce-";
