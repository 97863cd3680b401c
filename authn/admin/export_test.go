package admin

// Reach is reach, for the test of the rule.
var Reach = reach
