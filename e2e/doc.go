// Package e2e drives the built program from outside: a browser, a QR reader,
// a code calculator, a mail server and a REST client on one side, the program
// as a process of its own on the other. It owns no production code; it
// imports nothing of ours, so that what it proves is what people get.
//
// # The helpers
//
// A Program is the running service (program_test.go). Serve builds cmd/barillet's
// test binary once a run, starts it as the program in a data folder of its own and waits until it serves.
// Stop, Kill and Restart do what they say on the same data and port; Run
// runs a subcommand on that data; Leaks searches the log for secrets.
// Program.Clock moves the program's clock forwards (clock_test.go).
//
// A MailServer collects what the program sends (mail_test.go): Wait gives
// each mail once, by recipient and a part of the subject; Answer, Stall and
// Drop make it fail; Recover makes it well again.
//
// A Browser is one Chromium with a fresh profile (browser_test.go): Open,
// Fill, Submit, Text. At the end of a test every message of the console and
// every breach of the content security policy that was not announced by
// Expect fails it (console_test.go). Plug adds a virtual security key
// (authenticator_test.go). View, Scheme, Page and Picture are for the
// looks, Axe for accessibility (look_test.go).
//
// An API calls the REST API with a token (rest_test.go). Oathtool and
// ZbarImg are the tools of the same names (tools_test.go); a missing tool
// fails the test and says what to install.
//
// An oktaClient is one of Okta's own clients, unmodified (okta_client_test.go): versions 2 and 5 for Go, and that for
// Node, which okta.js drives line by line. One scenario runs with all three (okta_test.go). What a client cannot
// read is mended in the service.
//
// # The people
//
// An Env is a Program with its mail server and an administrator's token
// (house_test.go); it remembers every secret that comes by and searches the
// log for them at the end. A Person sits at a Browser (person_test.go). A
// Visitor is a browser without a screen, for tests that need many at once,
// and a Member is one who has a password, a phone and recovery codes
// (visitor_test.go). A Phone is an authenticator app, whose Next moves the
// clock to a code not used yet.
//
// # The tests
//
// The story_*_test.go files tell of a lost phone, of those who would profit
// from it, and of the ways back. pages_*_test.go look at every page in every
// state: axe, console, width, and pictures where BARILLET_ALBUM names a
// folder. kill_test.go cuts the power under load, 20 times or as often as
// BARILLET_KILLS says. The others are named for what they prove.
//
// # What the program must offer
//
// The clock of the released binary cannot be moved. So the harness starts the
// test binary of cmd/barillet, whose TestMain acts as the program when
// BARILLET_TESTING_PROGRAM is 1, and then reads the offset of its clock, at
// every look, from the file that BARILLET_TESTING_CLOCK names: a Go duration
// such as 26h30m0s, or 0s.
//
// The proof_*_test.go files prove the helpers on small stand-ins.
package e2e
