// Package doctor finds what is wrong with an installation and says how to mend it. It reads files, asks the servers on which the
// service depends, and judges the store, either in a service that runs or in the command while none runs. It repairs nothing and
// writes nothing to the store. It does not read the configuration: its caller says in a Setup what is configured.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Severity is how bad a finding is.
type Severity string

// The severities of findings.
const (
	OK      Severity = "ok"
	Warning Severity = "warning"
	Error   Severity = "error"
	Skipped Severity = "skipped" // the check was left out; the message says why
)

// Finding is the result of one check.
type Finding struct {
	ID       string   `json:"id"` // stable, one of Checks
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"` // of a warning or an error
}

// Check is one thing that is checked. Its id is a group and a name.
type Check struct{ ID, Meaning string }

// Checks lists the checks in the order in which they are printed, which is that of the table in docs/operations.md.
var Checks = []Check{
	{"config.valid", "the configuration can be loaded"},
	{"config.unknown", "no unknown variable is in the environment"},
	{"config.support", "`support.email` is set"},
	{"config.smtp", "`smtp.host` is set"},
	{"config.url", "`public_url` is set"},
	{"files.data", "the data directory exists"},
	{"files.user", "the command runs as root or as the owner of the data directory"},
	{"files.dirmode", "it has mode 0700"},
	{"files.owner", "its files belong to its owner"},
	{"files.mode", "its files have mode 0600"},
	{"files.link", "the store file is no symbolic link"},
	{"files.config", "only root or the owner of the data directory can change the configuration file"},
	{"files.password", "the password file of `smtp.password_file` can be read, by the owner only"},
	{"keys.file", "the key file is there and whole"},
	{"keys.store", "it belongs to the store"},
	{"keys.signing", "the keys that sign tokens rotate in time"},
	{"store.file", "the store file is there"},
	{"store.pages", "each page of the store file is whole"},
	{"store.open", "this version can open the store"},
	{"store.indexes", "the indexes agree with the records"},
	{"store.records", "each record can be read"},
	{"store.demo", "the store is no demonstration"},
	{"audit.log", "the audit log agrees with its tree and its heads"},
	{"audit.head", "the newest head of the audit log is at most a day old"},
	{"disk.space", "the disk of the data directory has space"},
	{"clock.log", "the clock is not behind the audit log"},
	{"clock.ntp", "the NTP server of `--ntp` answers"},
	{"clock.offset", "the clock differs by less than two seconds from it"},
	{"mail.resolve", "the mail server has an address"},
	{"mail.connect", "it accepts a connection"},
	{"mail.answer", "it answers as a mail server, in time"},
	{"mail.tls", "it offers TLS"},
	{"mail.certificate", "its certificate is valid"},
	{"mail.login", "it accepts user name and password"},
	{"mail.sender", "it accepts the sender"},
	{"mail.send", "it accepts the test mail of `--send`"},
	{"outbox.age", "no mail waits for more than an hour after a failure"},
	{"outbox.dead", "no mail, webhook call or logout was given up"},
	{"service.running", "the service runs, and its admin socket answers"},
	{"service.files", "the service may open as many files as `limits.connections` needs"},
	{"public.resolve", "the host of `public_url` has an address"},
	{"public.connect", "it accepts a connection, and answers"},
	{"tls.handshake", "it speaks TLS"},
	{"tls.name", "its certificate is for this name"},
	{"tls.chain", "its certificate comes from an authority that this host trusts, with all certificates between"},
	{"tls.expiry", "its certificate is valid for 14 more days"},
	{"public.redirect", "it does not redirect `/healthz`"},
	{"public.service", "it leads to this service"},
	{"public.host", "the proxy keeps the Host header"},
	{"proxy.header", "the proxy adds the client's address to `X-Forwarded-For`"},
	{"proxy.forged", "the proxy does not pass on an `X-Forwarded-For` of the client alone"},
	{"proxy.trusted", "`trusted_proxies` has the address of the proxy"},
	{"backup.age", "the last backup is at most two days old"},
}

// Report collects findings.
type Report struct{ Findings []Finding }

func (r *Report) ok(id, format string, args ...any) {
	r.add(Finding{ID: id, Severity: OK, Message: fmt.Sprintf(format, args...)})
}

func (r *Report) skip(id, format string, args ...any) {
	r.add(Finding{ID: id, Severity: Skipped, Message: fmt.Sprintf(format, args...)})
}

func (r *Report) warn(id, remedy, format string, args ...any) {
	r.add(Finding{id, Warning, fmt.Sprintf(format, args...), remedy})
}

func (r *Report) fail(id, remedy, format string, args ...any) {
	r.add(Finding{id, Error, fmt.Sprintf(format, args...), remedy})
}

func (r *Report) add(f Finding) { r.Findings = append(r.Findings, f) }

// has reports whether there is a finding with this id.
func (r *Report) has(id string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.ID == id })
}

// failed reports whether there is an error with one of these ids.
func (r *Report) failed(ids ...string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error && slices.Contains(ids, f.ID) })
}

// sort orders the findings as Checks lists them.
func (r *Report) sort() {
	var sorted []Finding
	for _, c := range Checks {
		for _, f := range r.Findings {
			if f.ID == c.ID {
				sorted = append(sorted, f)
			}
		}
	}
	r.Findings = sorted
}

// Count returns the number of findings of a severity.
func (r *Report) Count(s Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// netTimeout limits each conversation with another host.
const netTimeout = 10 * time.Second

// Run makes all checks. It returns an error only if ctx ends.
func Run(ctx context.Context, s Setup) (*Report, error) {
	r := &Report{}
	s.checkConfig(r)
	if s.Invalid == nil {
		ready := s.checkFiles(r)
		var running *service
		if !r.failed("files.data", "files.user") {
			running = s.findService(ctx, r)
			s.checkStore(ctx, r, running, ready)
			s.checkDisk(r)
		}
		s.checkNTP(ctx, r)
		s.checkMail(ctx, r)
		s.checkPublic(ctx, r, running)
	}
	r.sort()
	return r, ctx.Err()
}
