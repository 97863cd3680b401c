package store

import "strings"

// TableDef is a table of the store: all keys that begin with its prefix. This file declares every prefix that is written.
type TableDef struct {
	Prefix  string // ends with a slash
	Owner   string // the package that owns the records
	Lives   string // how long a record is kept, as in docs/design.md
	Version int    // the newest version of a record, from 1
	Sealed  bool   // the records are encrypted; those of Meta and of an Index are not
	// Appended means that a new key comes after nearly all others of the table: it begins with a time or a number. A back-end can fill
	// its pages. A change moves the records in the file, so it needs a new Format.
	Appended bool
	// Lost means that Get treats a record that cannot be read as a missing one: without it, access ends, a limit begins again or
	// a request is repeated. It is false if a missing record would allow more, such as a second user with one address.
	Lost    bool
	Shared  int     // the most records that GetShared keeps open; a few hundred bytes to 2 KiB each
	Ceiling Ceiling // the largest number of records
	Sweep   Sweep   // how they end
}

// The tables. Keys are not encrypted: addresses, names, group ids and dates in them are in clear (docs/threat-model.md).
var (
	Users = TableDef{Prefix: "user/", Owner: "authn/account", Lives: "unlimited", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 1, Per: PerUser}, Sweep: ByAdministrator}
	Summaries = TableDef{Prefix: "summary/", Owner: "authn/account", Lives: "with the user", Version: 1, Sealed: true, Shared: 1024,
		Ceiling: Ceiling{Records: 1, Per: PerUser}, Sweep: WithUser}
	Addresses = TableDef{Prefix: "address/", Owner: "authn/account", Lives: "with the user", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 3, Per: PerUser}, Sweep: WithUser} // login, address and second address
	Placeholders = TableDef{Prefix: "placeholder/", Owner: "authn/account", Lives: "with the user", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 3, Per: PerUser}, Sweep: WithUser} // the same, of placeholder accounts
	Names = TableDef{Prefix: "name/", Owner: "authn/account", Lives: "with the user", Version: 1,
		Ceiling: Ceiling{Records: 20, Per: PerUser}, Sweep: WithUser}
	Members = TableDef{Prefix: "member/", Owner: "authn/account", Lives: "with the user", Version: 1,
		Ceiling: Ceiling{Records: 32, Per: PerUser}, Sweep: WithUser}
	RoleHolders = TableDef{Prefix: "roleholder/", Owner: "authn/account", Lives: "with the user", Version: 1,
		Ceiling: Ceiling{Records: 13, Per: PerUser}, Sweep: WithUser} // twelve groups, and all users
	UserStates = TableDef{Prefix: "userstate/", Owner: "authn/account", Lives: "with the user", Version: 1,
		Ceiling: Ceiling{Records: 1, Per: PerUser}, Sweep: WithUser}
	Uniques = TableDef{Prefix: "unique/", Owner: "authn/account", Lives: "with the user", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 15, Per: PerUser}, Sweep: WithUser} // 5 imported secrets and 10 security keys
	Groups = TableDef{Prefix: "group/", Owner: "authn/account", Lives: "unlimited", Version: 1, Sealed: true, Lost: true, Shared: 256,
		Ceiling: Ceiling{Records: 1, Per: PerGroup}, Sweep: ByAdministrator}
	GroupNames = TableDef{Prefix: "groupname/", Owner: "authn/account", Lives: "with the group", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 1, Per: PerGroup}, Sweep: WithGroup}
	Transactions = TableDef{Prefix: "transaction/", Owner: "authn", Lives: "10 min", Version: 1, Sealed: true, Appended: true, Lost: true,
		Ceiling: Ceiling{Fixed: 20_000}, Sweep: ByExpiry}
	Setup = TableDef{Prefix: "setup/", Owner: "authn/account/setup", Lives: "unlimited", Version: 1, Sealed: true,
		Ceiling: Ceiling{Fixed: 1}, Sweep: ByReplacement} // the setup link, and then the mark of the first administrator
	Links = TableDef{Prefix: "link/", Owner: "authn/account", Lives: "24 h; 1 h; 7 d", Version: 1, Sealed: true, Appended: true, Lost: true,
		Ceiling: Ceiling{Records: 1_700, Per: PerUser}, Sweep: ByExpiry} // 3 tickets, 2 password links, an invitation, and one for each notification of seven days
	Sessions = TableDef{Prefix: "session/", Owner: "authn/account", Lives: "hours", Version: 1, Sealed: true, Appended: true, Lost: true, Shared: 1024,
		Ceiling: Ceiling{Records: 32, Per: PerUser}, Sweep: ByExpiry}
	Browsers = TableDef{Prefix: "browser/", Owner: "authn/session", Lives: "180 d", Version: 1, Sealed: true, Appended: true, Lost: true, Shared: 1024,
		Ceiling: Ceiling{Records: 32, Per: PerUser}, Sweep: ByExpiry}
	Forwards = TableDef{Prefix: "forward/", Owner: "authn/session", Lives: "hours", Version: 1, Sealed: true, Appended: true, Lost: true, Shared: 1024,
		Ceiling: Ceiling{Records: 86_400, Per: PerSession}, Sweep: ByExpiry} // 60 a minute in 24 hours
	Failures = TableDef{Prefix: "failures/", Owner: "internal/throttle", Lives: "24 h without failures", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 1, Per: PerUser, Fixed: 500_000}, Sweep: ByExpiry} // those of unknown logins
	Throttles = TableDef{Prefix: "throttle/", Owner: "internal/throttle", Lives: "until full again", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Fixed: 500_000}, Sweep: ByExpiry}
	HelpRequests = TableDef{Prefix: "helprequest/", Owner: "authn/helpdesk", Lives: "policy", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 60, Per: PerUser, Fixed: 8_000}, Sweep: ByPolicy} // 20 of each user with two keys that find them, and 2,000 about unknown addresses with three
	Approvals = TableDef{Prefix: "approval/", Owner: "authn/approval", Lives: "24 h", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 3, Per: PerUser}, Sweep: ByExpiry}
	Handovers = TableDef{Prefix: "handover/", Owner: "authn/handover", Lives: "24 h", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 2, Per: PerUser}, Sweep: ByExpiry} // the user's own, and one that finds it for the witness
	Clients = TableDef{Prefix: "client/", Owner: "oidc/client", Lives: "unlimited", Version: 1, Sealed: true, Shared: 64,
		Ceiling: Ceiling{Records: 1, Per: PerClient}, Sweep: ByAdministrator}
	Assertions = TableDef{Prefix: "assertion/", Owner: "oidc/client", Lives: "10 min", Version: 1, Sealed: true,
		Ceiling: Ceiling{Clients: 7_200}, Sweep: ByExpiry} // 600 a minute in 11
	Codes = TableDef{Prefix: "code/", Owner: "oidc/token", Lives: "1 h; with the grant", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Records: 2_200_000, Per: PerUser}, Sweep: ByExpiry} // 6,000 a day in a year: authorization requests, and requests that continue
	// SealedCodes is no table: clients keep its records, in the values of codes.
	SealedCodes = TableDef{Prefix: "sealedcode/", Owner: "oidc/token", Version: 1, Sealed: true}
	Refreshes   = TableDef{Prefix: "refresh/", Owner: "oidc/token", Lives: "with the grant", Version: 1, Sealed: true, Appended: true, Lost: true,
		Ceiling: Ceiling{Records: 5_900_000, Per: PerUser}, Sweep: ByExpiry} // one of each grant, and 10,000 a day in a year; a used one is kept, so that its thief is found
	Accesses = TableDef{Prefix: "access/", Owner: "oidc/token", Lives: "minutes", Version: 1, Sealed: true, Appended: true, Lost: true,
		Ceiling: Ceiling{Records: 17_000, Per: PerUser, Clients: 37_200}, Sweep: ByExpiry} // 6,000 grants and 10,000 refreshes a day, and 600 a minute of a client, in an hour
	AuthRequests = TableDef{Prefix: "authrequest/", Owner: "oidc", Lives: "3 h or 10 min; 1 min", Version: 1, Sealed: true, Appended: true, Lost: true,
		Ceiling: Ceiling{Fixed: 36_000}, Sweep: ByExpiry} // twice 8,000 and 2,000 KiB that wait, and 8,000 that are pushed
	Grants = TableDef{Prefix: "grant/", Owner: "oidc/token", Lives: "the session's maximum, or 30 d", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 2_200_000, Per: PerUser}, Sweep: ByExpiry} // one of each code
	GrantsExpiring = TableDef{Prefix: "grantexpiring/", Owner: "oidc/token", Lives: "until its session ends", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 13_000, Per: PerUser}, Sweep: ByDelivery} // of the sessions of a day
	Consents = TableDef{Prefix: "consent/", Owner: "oidc/token", Lives: "with user and client", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 1000, Per: PerUser}, Sweep: ByExpiry} // one of each client
	UserCodes = TableDef{Prefix: "usercode/", Owner: "oidc", Lives: "10 min", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Fixed: 4_000}, Sweep: ByExpiry} // twice 2,000 in ten minutes
	Logouts = TableDef{Prefix: "logout/", Owner: "oidc/token", Lives: "a day; as a dead letter by policy", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 1, Per: PerGrant}, Sweep: ByDelivery}
	SignKeys = TableDef{Prefix: "signkey/", Owner: "oidc/keys", Lives: "90 d, and 7 d after", Version: 1, Sealed: true, Shared: 4,
		Ceiling: Ceiling{Fixed: 3}, Sweep: ByReplacement} // algorithms
	Tokens = TableDef{Prefix: "token/", Owner: "authn/admin", Lives: "until revoked", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 1, Per: PerToken}, Sweep: ByAdministrator}
	Idempotency = TableDef{Prefix: "idempotency/", Owner: "web/api", Lives: "24 h", Version: 1, Sealed: true,
		Ceiling: Ceiling{Records: 40_000, Per: PerToken}, Sweep: ByExpiry} // 20,000 a day of an owner, and as many at once after a pause
	Outbox = TableDef{Prefix: "outbox/", Owner: "internal/mail", Lives: "until sent", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 20, Per: PerUser, Fixed: 10_000}, Sweep: ByDelivery}
	Webhooks = TableDef{Prefix: "webhook/", Owner: "internal/webhook", Lives: "unlimited", Version: 1, Sealed: true, Shared: 1,
		Ceiling: Ceiling{Fixed: 1}, Sweep: ByReplacement}
	WebhookDeliveries = TableDef{Prefix: "webhookdelivery/", Owner: "internal/webhook", Lives: "until accepted; as a dead letter by policy", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 220_000, Per: PerWebhook}, Sweep: ByDelivery} // 100,000 of the first lane and 5,000 of each other, and as many dead letters
	Audit = TableDef{Prefix: "audit/", Owner: "internal/audit", Lives: "policy, append only", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Fixed: 10_000_000}, Sweep: ByPolicy}
	AuditEntities = TableDef{Prefix: "auditentity/", Owner: "internal/audit", Lives: "with the event", Version: 1, Lost: true,
		Ceiling: Ceiling{Fixed: 210_000_000}, Sweep: WithEvent} // a user, an actor, 16 targets and an action of each event; mostly one or two
	Erasures = TableDef{Prefix: "erasure/", Owner: "internal/audit", Lives: "policy", Version: 1, Sealed: true,
		Ceiling: Ceiling{Fixed: 100_000}, Sweep: ByPolicy}
	AuditPending = TableDef{Prefix: "auditpending/", Owner: "internal/audit", Lives: "seconds", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Fixed: 100_000}, Sweep: ByDelivery} // numbered each second
	AuditLeaves = TableDef{Prefix: "auditleaf/", Owner: "internal/audit", Lives: "unlimited", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Fixed: 100_000_000}, Sweep: ByAdministrator} // 27,000 events a day in ten years
	AuditTiles = TableDef{Prefix: "audittile/", Owner: "internal/audit/tree", Lives: "unlimited", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Fixed: 400_000}, Sweep: ByAdministrator} // of 256 hashes, and those of the levels above
	AuditHeads = TableDef{Prefix: "audithead/", Owner: "internal/audit/tree", Lives: "unlimited", Version: 1, Sealed: true, Appended: true,
		Ceiling: Ceiling{Fixed: 100_000}, Sweep: ByAdministrator} // one a day
	SignInsPending = TableDef{Prefix: "signinpending/", Owner: "authn/counts", Lives: "seconds", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Fixed: 100_000}, Sweep: ByDelivery} // counted every ten seconds
	SignInCounts = TableDef{Prefix: "signincount/", Owner: "authn/counts", Lives: "90 d after the month", Version: 1, Sealed: true, Lost: true,
		Ceiling: Ceiling{Records: 5, Per: PerGroup, Fixed: 5}, Sweep: ByExpiry}
	Meta = TableDef{Prefix: "meta/", Owner: "store", Lives: "unlimited", Version: 1,
		Ceiling: Ceiling{Fixed: 16}, Sweep: ByReplacement} // format, data keys, generation, probe, low space, problem of the certificate and the last backup
)

// TableDefs returns every table, in the order above.
func TableDefs() []TableDef {
	return []TableDef{
		Users, Summaries, Addresses, Placeholders, Names, Members, RoleHolders, UserStates, Uniques, Groups, GroupNames, Transactions, Setup, Links,
		Sessions, Browsers, Forwards, Failures, Throttles, HelpRequests, Approvals, Handovers, Clients, Assertions, Codes, Refreshes, Accesses, AuthRequests,
		Grants, GrantsExpiring,
		Consents, UserCodes, Logouts, SignKeys, Tokens, Idempotency, Outbox, Webhooks, WebhookDeliveries, Audit,
		AuditEntities, Erasures, AuditPending, AuditLeaves, AuditTiles, AuditHeads, SignInsPending, SignInCounts, Meta,
	}
}

var appended = func() map[string]bool {
	prefixes := map[string]bool{}
	for _, kind := range TableDefs() {
		if kind.Appended {
			prefixes[kind.Prefix] = true
		}
	}
	return prefixes
}()

// IsAppended reports whether the table of a key is Appended.
func IsAppended(key string) bool { return appended[key[:strings.IndexByte(key, '/')+1]] }
