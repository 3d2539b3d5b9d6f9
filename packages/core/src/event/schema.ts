import type { StandardSchemaV1 } from "@standard-schema/spec";

/** What a producer passes in: the schema's input side. This is also what travels. */
export type InferIn<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
/** What a consumer gets: the schema's output side. */
export type InferOut<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

type NotJson =
  | Date
  | bigint
  | symbol
  // eslint-disable-next-line typescript/no-explicit-any -- any map, any set, any function: none of them is JSON
  | ReadonlyMap<any, any>
  // eslint-disable-next-line typescript/no-explicit-any -- see above
  | ReadonlySet<any>
  // eslint-disable-next-line typescript/no-explicit-any -- see above
  | ((...args: any[]) => any);

/** Paths of members that JSON does not carry (`at`, `lines[].due`), five levels deep. */
export type NotJsonIn<T, Path extends string = "", Depth extends 0[] = []> = 0 extends 1 & T
  ? never
  : unknown extends T
    ? never
    : T extends string | number | boolean | null | undefined | Uint8Array
      ? never
      : T extends NotJson
        ? Path
        : Depth["length"] extends 5
          ? never
          : T extends readonly (infer Item)[]
            ? NotJsonIn<Item, `${Path}[]`, [...Depth, 0]>
            : {
                [K in keyof T & string]: NotJsonIn<T[K], Path extends "" ? K : `${Path}.${K}`, [...Depth, 0]>;
              }[keyof T & string];

/** A schema whose input can travel as JSON, or the sentence that says what cannot. */
export type Travels<S extends StandardSchemaV1> = [NotJsonIn<InferIn<S>>] extends [never]
  ? S
  : `'${NotJsonIn<InferIn<S>>}' does not travel as JSON: take a string and transform it`;

/** True for any Standard Schema: zod, valibot and arktype values, the last of which are functions. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = "~standard" in value ? value["~standard"] : undefined;
  return (
    typeof standard === "object" &&
    standard !== null &&
    "validate" in standard &&
    typeof standard.validate === "function"
  );
}
