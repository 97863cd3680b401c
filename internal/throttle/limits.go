package throttle

import "time"

// The limits of the service (promise S8). Each comment names the subject that is counted. A limit by Network is taken with
// ByNetwork.
var (
	// LoginAddress and LoginNetwork count failed sign-ins only, so that thirty users behind one router can sign in at the
	// same time (protocol rule 18). By Address and by Network.
	LoginAddress = Limit{Name: "login-address", Count: 20, Per: time.Minute}
	LoginNetwork = Limit{Name: "login-network", Count: 300, Per: time.Minute}

	// HelpSource counts submitted help requests. Beyond it the response is 429. By Network, known browser, or network of a proven
	// password.
	HelpSource = Limit{Name: "help-source", Count: 20, Per: time.Hour}
	// HelpSite counts the same requests without a known browser or a proven password. By /24 for IPv4, /48 for IPv6.
	HelpSite = Limit{Name: "help-site", Count: 30, Per: time.Hour}
	// SupportMails counts the emails to support about help requests, and TrustedSupportMails a part that is reserved for known
	// browsers and proven passwords. Beyond them support gets one of SupportDigests. All three count the whole service.
	SupportMails        = Limit{Name: "support-mails", Count: 45, Per: time.Hour}
	TrustedSupportMails = Limit{Name: "trusted-support-mails", Count: 15, Per: time.Hour}
	SupportDigests      = Limit{Name: "support-digests", Count: 1, Per: time.Hour}
	// HelpMails counts help requests that cause an email. Beyond it the request is stored, with the same response (protocol
	// rule 19). By the submitted address, and apart from it by known browser and for a proven password.
	HelpMails = Limit{Name: "help-mails", Count: 5, Per: time.Hour}
	// ForgotSource counts requests for a password link. By Network.
	ForgotSource = Limit{Name: "forgot-source", Count: 20, Per: time.Hour}
	// UnauthenticatedMails counts the emails to a user that unauthenticated clients cause. Beyond it none is sent, with the same
	// response. By user id and kind of email.
	UnauthenticatedMails = Limit{Name: "unauthenticated-mails", Count: 10, Per: time.Hour}
	// AdminMails and AdminMailsDay count the emails to a user that administrators cause with a call, such as invitations. Beyond
	// them the call is refused. By user id and kind of email, and by user id.
	AdminMails    = Limit{Name: "admin-mails", Count: 5, Per: time.Hour}
	AdminMailsDay = Limit{Name: "admin-mails-day", Count: 20, Per: 24 * time.Hour}
	// NoticeMails counts notifications. Beyond it they are delayed and joined, never dropped. By user id.
	NoticeMails = Limit{Name: "notice-mails", Count: 10, Per: time.Hour}

	// ReturnCodes counts return codes. By session.
	ReturnCodes = Limit{Name: "return-codes", Count: 60, Per: time.Minute}

	// Unlocks counts how often administrators clear the failures of a user. Each one allows new guesses. By user id.
	Unlocks = Limit{Name: "unlocks", Count: 3, Per: 24 * time.Hour}

	// APIToken counts requests, in memory. By token id.
	APIToken = Limit{Name: "api-token", Count: 600, Per: time.Minute}

	// Authorize counts authorization requests, in memory. By session, or by Address without one.
	Authorize = Limit{Name: "authorize", Count: 60, Per: time.Minute}
	// AuthorizeNetwork counts authorization requests without a session, in memory. By Network.
	AuthorizeNetwork = Limit{Name: "authorize-network", Count: 300, Per: time.Minute}
	// AuthorizeDay counts authorization requests in sessions, in memory. By user id.
	AuthorizeDay = Limit{Name: "authorize-day", Count: 3000, Per: 24 * time.Hour}
	// ClientCalls counts requests of clients to the token endpoint and similar ones, in memory. By client id and Address.
	ClientCalls = Limit{Name: "client-calls", Count: 60, Per: time.Minute}
	// ClientCallsNetwork counts the same requests, in memory, because a client can change its address. By client id and
	// Network.
	ClientCallsNetwork = Limit{Name: "client-calls-network", Count: 300, Per: time.Minute}
	// Assertions counts accepted assertions, in memory: each is kept until it expires. By client id.
	Assertions = Limit{Name: "assertions", Count: 600, Per: time.Minute}
	// ClientTokens counts access tokens of clients for themselves, in memory. By client id.
	ClientTokens = Limit{Name: "client-tokens", Count: 600, Per: time.Minute}
	// Refreshes and UserRefreshes count requests with a refresh token, in memory: a used token is kept as long as its grant. By
	// grant, and by user id.
	Refreshes     = Limit{Name: "refreshes", Count: 1500, Per: 24 * time.Hour}
	UserRefreshes = Limit{Name: "user-refreshes", Count: 10_000, Per: 24 * time.Hour}
	// Userinfo counts requests with an access token, in memory. By the hash of the token.
	Userinfo = Limit{Name: "userinfo", Count: 600, Per: time.Minute}
	// Registration counts requests with a registration access token, in memory. By client id.
	Registration = Limit{Name: "registration", Count: 60, Per: time.Minute}
	// UserCodes counts wrong user codes of the device authorization. By user id.
	UserCodes = Limit{Name: "user-codes", Count: 10, Per: time.Hour}
)
