package admin

// LimitToOwner is limitToOwner for its test.
var LimitToOwner = limitToOwner
