import { Reject } from "@postrider/core";

export interface Parcel {
  readonly orderId: string;
  readonly country: string;
  readonly delivery: "standard" | "express";
}

/** Who takes parcels away. */
export interface Carrier {
  /**
   * Resolves with the parcel's tracking code. Booking an order again gives the same code: an attempt that fails later,
   * and is rolled back, has booked all the same.
   * @throws Reject when no carrier goes there: trying again cannot help. Any other error may pass.
   */
  book(parcel: Parcel): Promise<string>;
}

/** Antarctica: no roads. */
const unreachable = "AQ";

/** A pretend carrier with the two faults of real ones: it does not go everywhere, and once it does not answer. */
export function pretendCarrier(): Carrier {
  let answersExpress = false;
  return {
    book: async ({ orderId, country, delivery }) => {
      if (country === unreachable) throw new Reject(`No carrier goes to ${country}`);
      if (delivery === "express" && !answersExpress) {
        answersExpress = true;
        throw new Error("The carrier's express desk did not answer");
      }
      return `T-${orderId.slice(0, 8).toUpperCase()}`;
    },
  };
}
