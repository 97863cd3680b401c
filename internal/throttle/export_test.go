package throttle

// Arrival lets the golden test see the record of a limit.
type Arrival = arrival
