/** What `tx` is when nobody said: give `defineConsumer` or `domainHandlers` a `store`, or its type `<PoolClient>`. */
export interface UntypedTransaction {}
