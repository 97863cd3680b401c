// Package e2e drives the built program from outside: a browser, a QR reader, a code calculator, a mail server and a REST
// client on one side, the program as a process of its own on the other. It contains no production code. Of the program's
// packages it imports only authntest, for a code calculator that is independent of the factors.
//
// # Tools
//
// A Program is the running service (program_test.go). Serve builds cmd/barillet's test binary once per run, starts it with
// a new data directory and waits until it serves. Stop, Kill and Restart keep the data and the port. Run runs a subcommand
// on that data. Leaks searches the log for secrets. Program.Clock moves the program's clock forwards (clock_test.go).
//
// A MailServer collects what the program sends (mail_test.go). Wait returns each email once, by recipient and a part of
// the subject. Answer, Stall and Drop make the server fail; Recover ends the failure.
//
// A Browser is one Chromium with a fresh profile (browser_test.go): Open, Fill, Submit, Text. At the end of a test each
// console message and each breach of the content security policy fails the test, unless Expect announced it
// (console_test.go). Plug adds a virtual security key (authenticator_test.go). View, Scheme, Page and Picture check the
// look of a page, Axe its accessibility (look_test.go).
//
// An API calls the REST API with a token (rest_test.go). TOTP computes codes. Oathtool and ZbarImg run the tools of the
// same names (tools_test.go). A missing tool fails the test and says what to install.
//
// An oktaClient is one of Okta's own clients, unmodified (okta_client_test.go): versions 2 and 5 for Go, and the one for
// Node, which okta.js drives line by line. One scenario runs with all three (okta_test.go). If a client cannot read a
// response, the service is changed.
//
// # Users
//
// An Env is a Program with its mail server and an administrator's token (env_test.go). It records every secret and
// searches the log for them at the end. A Person uses a Browser (person_test.go). A Visitor is a client without a
// browser, for tests that need many at once. A Member is a Visitor with a password, a phone and recovery codes
// (visitor_test.go). A Phone is an authenticator app, whose Next moves the clock to an unused code.
//
// # Tests
//
// The story_*_test.go files cover a lost phone, attacks after it and the recovery. pages_*_test.go check every page in
// every state with axe, the console and several widths, and save pictures if BARILLET_ALBUM names a directory.
// kill_test.go kills the program under load, 20 times or as often as BARILLET_KILLS says. The proof_*_test.go files test
// the tools on small servers.
//
// # Clock
//
// The clock of the released binary cannot be moved. The tests start the test binary of cmd/barillet, whose TestMain acts
// as the program if BARILLET_TESTING_PROGRAM is 1. It then reads the offset of its clock from the file that
// BARILLET_TESTING_CLOCK names: a Go duration such as 26h30m0s.
package e2e
