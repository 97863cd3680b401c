package throttle

// Arrival is the record of a limit, for the golden test.
type Arrival = arrival
