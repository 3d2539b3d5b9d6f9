/** Which cases each broken store turns red: these and no others. */
export const redOfStores: Readonly<Record<string, readonly string[]>> = {
  "appends outside the transaction": [
    "116. mark, rows of the handler and outgoing events commit together, and a failure leaves none",
    "116. the application's rows and the events commit together, and a failure leaves neither",
    "89. events of a committed transaction are read, those of one rolled back never are",
    "96. over many writers that commit out of order or roll back, exactly the committed events are read",
  ],
  "appends one by one": [
    "append writes all events in one statement, whatever their number, in the order given",
  ],
  "appends back to front": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "101. a parked row is due when its time has come, not before, and in order within its key",
    "101. a parked row that was published is gone, and the next of its key is due",
    "101. parked rows can be looked up by status and key, made due again, and dropped for good",
    "102. confirm of one batch leaves what was appended meanwhile",
    "105. every attribute, header of the trace and byte of the data is read as it was written",
    "89. events of a committed transaction are read, those of one rolled back never are",
    "90. two appends in one transaction are one ordered set",
    "93. a relay that ends between publish and confirm leaves the same rows, same ids, to its successor",
    "94. committed rows are still there when the database was restarted or its file opened again",
    "95. a backlog is read in order, page by page",
    "append writes all events in one statement, whatever their number, in the order given",
    "confirm of nothing removes nothing",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
  ],
  "appends at the end": [
    "89. what was appended inside a savepoint goes with it",
  ],
  "makes events up": [
    "append of no event writes nothing",
  ],
  "forgets extensions": [
    "105. every attribute, header of the trace and byte of the data is read as it was written",
  ],
  "takes any handle": [
    "92. append outside a transaction is refused with STORE_OUTSIDE_TRANSACTION",
  ],
  "is deaf": [
    "106. signal never throws, and is heard by whoever listens until it ends listening",
  ],
  "skips late commits": [
    "96. a row that commits late is read whatever was read before",
    "96. over many writers that commit out of order or roll back, exactly the committed events are read",
    "confirm removes exactly these rows; removing one twice is a no-op",
  ],
  "reads once": [
    "confirm removes exactly these rows; removing one twice is a no-op",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
    "read gives the oldest committed rows first, at most as many as asked for, again until they are confirmed",
  ],
  "reads without bound": [
    "read gives the oldest committed rows first, at most as many as asked for, again until they are confirmed",
  ],
  "confirms too much": [
    "confirm removes exactly these rows; removing one twice is a no-op",
  ],
  "confirms all": [
    "102. confirm of one batch leaves what was appended meanwhile",
    "96. over many writers that commit out of order or roll back, exactly the committed events are read",
    "confirm of nothing removes nothing",
    "confirm removes exactly these rows; removing one twice is a no-op",
  ],
  "confirms once": [
    "confirm removes exactly these rows; removing one twice is a no-op",
  ],
  "gives no position": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "101. a parked row is due when its time has come, not before, and in order within its key",
    "101. a parked row that fails again keeps its attempts and its next time",
    "101. a parked row that was published is gone, and the next of its key is due",
    "101. parked rows can be looked up by status and key, made due again, and dropped for good",
    "81. keys with a parked row are held, and only those",
    "93. a relay that ends between publish and confirm leaves the same rows, same ids, to its successor",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
  ],
  "park loses": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "101. a parked row is due when its time has come, not before, and in order within its key",
    "101. a parked row that was published is gone, and the next of its key is due",
    "101. parked rows can be looked up by status and key, made due again, and dropped for good",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
  ],
  "park copies": [
    "101. a parked row that was published is gone, and the next of its key is due",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
  ],
  "holds no key": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "81. keys with a parked row are held, and only those",
  ],
  "is always due": [
    "101. a parked row is due when its time has come, not before, and in order within its key",
    "101. a parked row that fails again keeps its attempts and its next time",
  ],
  "forgets results": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "101. a parked row that fails again keeps its attempts and its next time",
    "101. a parked row that was published is gone, and the next of its key is due",
  ],
  "buries the key": [
    "101. a dead row is never due; its key goes on or waits, as asked",
  ],
  "finds everything": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "101. parked rows can be looked up by status and key, made due again, and dropped for good",
  ],
  "counts nothing": [
    "101. a dead row is never due; its key goes on or waits, as asked",
    "95. a backlog is read in order, page by page",
    "one owner holds the lease; another gets it when it was released or has run out, with a higher epoch",
    "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
  ],
  "gives the lease to two": [
    "100. of several that ask at the same time one gets the lease",
    "100. renew keeps the lease past its time, and is false for an owner that lost it",
    "one owner holds the lease; another gets it when it was released or has run out, with a higher epoch",
  ],
  "never lets go": [
    "100. renew keeps the lease past its time, and is false for an owner that lost it",
    "100. the events wait for the next owner while nobody holds the lease",
    "93. a relay that ends between publish and confirm leaves the same rows, same ids, to its successor",
    "one owner holds the lease; another gets it when it was released or has run out, with a higher epoch",
  ],
  "keeps the epoch": [
    "100. the events wait for the next owner while nobody holds the lease",
    "one owner holds the lease; another gets it when it was released or has run out, with a higher epoch",
  ],
  "renews what is lost": [
    "100. renew keeps the lease past its time, and is false for an owner that lost it",
  ],
  "does not renew": [
    "100. renew keeps the lease past its time, and is false for an owner that lost it",
  ],
  "has one lease for all": [
    "100. the lease of one relay is none of another's",
  ],
  "marks outside the transaction": [
    "116. mark, rows of the handler and outgoing events commit together, and a failure leaves none",
    "121. a mark commits and rolls back with the transaction",
  ],
  "inbox forgets": [
    "114. a message id is new once, and a duplicate ever after",
    "115. batches that hold the same ids in other orders all end, and each id is new once",
    "115. the same id at ten consumers at once is new at one of them",
    "116. mark, rows of the handler and outgoing events commit together, and a failure leaves none",
    "119. an id given twice in one batch counts once",
    "120. prune forgets marks older than asked, and no younger ones",
    "120. prune of an empty inbox forgets nothing, and an aborted one ends",
    "121. a mark commits and rolls back with the transaction",
    "a mark that is taken back in its transaction leaves the message to be worked on",
    "ids of any length and script are told apart, and a thousand at once are no trouble",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
  "marks for everybody": [
    "118. a mark is one consumer's: each consumer works on the message once",
    "a mark that is taken back in its transaction leaves the message to be worked on",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
  "drops the source": [
    "118. a mark is one consumer's: each consumer works on the message once",
    "a mark that is taken back in its transaction leaves the message to be worked on",
    "ids of any length and script are told apart, and a thousand at once are no trouble",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
  "cuts ids": [
    "ids of any length and script are told apart, and a thousand at once are no trouble",
  ],
  "drops batches with repeats": [
    "115. batches that hold the same ids in other orders all end, and each id is new once",
    "119. an id given twice in one batch counts once",
  ],
  "keeps taken marks": [
    "a mark that is taken back in its transaction leaves the message to be worked on",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
  "does not wait": [
    "114. a message id is new once, and a duplicate ever after",
    "115. batches that hold the same ids in other orders all end, and each id is new once",
    "115. the same id at ten consumers at once is new at one of them",
    "116. mark, rows of the handler and outgoing events commit together, and a failure leaves none",
    "120. prune forgets marks older than asked, and no younger ones",
    "121. a mark commits and rolls back with the transaction",
    "a mark that is taken back in its transaction leaves the message to be worked on",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
  "prunes everything": [
    "120. prune forgets marks older than asked, and no younger ones",
  ],
  "prunes nothing": [
    "120. prune forgets marks older than asked, and no younger ones",
    "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
  ],
};
