package store

// Kind is one table of the store: every key that begins with its prefix. This page shows them all; no key
// is written whose prefix is not declared here.
type Kind struct {
	Prefix  string // ends in a slash
	Owner   string // the package whose records these are
	Lives   string // for how long, in words
	Version int    // the newest record version, from 1
	Sealed  bool   // whether its records are encrypted; only Meta's are not
}

// The tables. Addresses, names, garages and dates that stand in keys are in clear: see the threat model.
var (
	Users        = Kind{"user/", "authn", "for ever", 1, true}
	Standings    = Kind{"standing/", "authn", "with the user", 1, true}
	Addresses    = Kind{"address/", "authn", "with the user", 1, true}
	Shadows      = Kind{"shadow/", "authn", "with the user", 1, true}
	Names        = Kind{"name/", "authn", "with the user", 1, true}
	Members      = Kind{"member/", "authn", "with the user", 1, true}
	Uniques      = Kind{"unique/", "authn", "with the user", 1, true}
	Groups       = Kind{"group/", "authn", "for ever", 1, true}
	Logins       = Kind{"login/", "authn", "10 minutes", 1, true}
	Enrols       = Kind{"enrol/", "authn", "24 hours", 1, true}
	Sessions     = Kind{"session/", "authn", "hours", 1, true}
	Browsers     = Kind{"browser/", "authn", "180 days", 1, true}
	Trusted      = Kind{"trusted/", "authn", "days", 1, true}
	Gates        = Kind{"gate/", "authn", "hours", 1, true}
	Guesses      = Kind{"guess/", "internal/throttle", "24 hours of quiet", 1, true}
	Throttles    = Kind{"throttle/", "internal/throttle", "until full again", 1, true}
	Helps        = Kind{"help/", "authn/helpdesk", "policy", 1, true}
	Approvals    = Kind{"approval/", "authn/helpdesk", "24 hours", 1, true}
	Clients      = Kind{"client/", "oidc/client", "for ever", 1, true}
	Assertions   = Kind{"assertion/", "oidc/client", "10 minutes", 1, true}
	Codes        = Kind{"code/", "oidc/token", "60 seconds", 1, true}
	Refreshes    = Kind{"refresh/", "oidc/token", "until its absolute end", 1, true}
	Accesses     = Kind{"access/", "oidc/token", "minutes", 1, true}
	AuthRequests = Kind{"authrequest/", "oidc", "10 minutes", 1, true}
	Grants       = Kind{"grant/", "oidc/token", "until the last of its tokens is over", 1, true}
	Consents     = Kind{"consent/", "oidc/token", "with the person and the application", 1, true}
	UserCodes    = Kind{"usercode/", "oidc", "10 minutes", 1, true}
	Logouts      = Kind{"logout/", "oidc/token", "until delivered, a day at most; as a dead letter 30 days", 1, true}
	SignKeys     = Kind{"signkey/", "oidc/keys", "until no token signed by it is good", 1, true}
	Tokens       = Kind{"token/", "authn", "until revoked", 1, true}
	Idems        = Kind{"idem/", "web/api", "24 hours", 1, true}
	Outbox       = Kind{"outbox/", "internal/mail", "until sent", 1, true}
	Webhooks     = Kind{"webhook/", "internal/webhook", "for ever", 1, true}
	Calls        = Kind{"call/", "internal/webhook", "until taken; given up, 30 days", 1, true}
	Audit        = Kind{"audit/", "internal/audit", "policy, append only", 1, true}
	Meta         = Kind{"meta/", "store", "for ever", 1, false}
)

// Kinds lists every table, in the order above.
func Kinds() []Kind {
	return []Kind{
		Users, Standings, Addresses, Shadows, Names, Members, Uniques, Groups, Logins, Enrols, Sessions, Browsers,
		Trusted, Gates, Guesses, Throttles, Helps, Approvals, Clients, Assertions, Codes, Refreshes, Accesses, AuthRequests, Grants,
		Consents, UserCodes, Logouts, SignKeys, Tokens, Idems, Outbox, Webhooks, Calls, Audit, Meta,
	}
}
