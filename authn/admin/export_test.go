package admin

// LimitToOwner is reach, for the test of the rule.
var LimitToOwner = limitToOwner
