// Package notice defines the notifications that users and administrators receive by email. It contains data only:
// package templates composes the emails, and package mail delivers them.
package notice

import "time"

// Notice is the data of one notification. Its JSON is stored in the outbox.
type Notice interface {
	Name() string // stored name of the kind, such as "devices_reset"
}

// Context describes the recipient and the request that caused a notification.
type Context struct {
	Name    string    `json:"name,omitempty"`    // name of the recipient; "": the greeting has no name
	At      time.Time `json:"at,omitzero"`       // time of the operation; zero: not shown
	Browser string    `json:"browser,omitempty"` // such as "Firefox, Android"
	Address string    `json:"address,omitempty"` // IP address
	Freeze  string    `json:"freeze,omitempty"`  // link that freezes the devices of the recipient; "": none
}

// Invitation invites a user who never had a device. Link is its only secret.
type Invitation struct {
	Context
	Inviter string    `json:"inviter,omitempty"`
	Group   string    `json:"group,omitempty"`
	Login   string    `json:"login"`
	Link    string    `json:"link"`
	Until   time.Time `json:"until"`
}

func (Invitation) Name() string { return "invitation" }

// Welcome asks a user with an imported device to choose a password.
type Welcome struct {
	Context
	Group  string    `json:"group,omitempty"`
	Login  string    `json:"login"`
	Device string    `json:"device"` // account name that the app shows
	Link   string    `json:"link"`
	Until  time.Time `json:"until"`
}

func (Welcome) Name() string { return "welcome" }

// DevicesReset contains the ticket of a reset. Its recipient is the user.
type DevicesReset struct {
	Context
	Link  string    `json:"link"`
	Code  string    `json:"code"` // two groups of four characters
	Until time.Time `json:"until"`
}

func (DevicesReset) Name() string { return "devices_reset" }

// UserDevicesReset reports the reset of a user's devices to administrators.
type UserDevicesReset struct {
	Context
	User   string `json:"user"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

func (UserDevicesReset) Name() string { return "user_devices_reset" }

// SpaceLow warns administrators that the disk of the data directory is nearly full.
type SpaceLow struct {
	Context
	Free string `json:"free"` // such as "40 MiB"
}

func (SpaceLow) Name() string { return "space_low" }

// CertificateProblem warns administrators of a problem with the certificate of the service.
type CertificateProblem struct {
	Context
	Expires time.Time `json:"expires"` // of the present certificate; zero without one
	Problem string    `json:"problem"` // missing, expired, expiring or unreadable
}

func (CertificateProblem) Name() string { return "certificate_problem" }

// BackupFailed warns administrators that scheduled backups fail.
type BackupFailed struct {
	Context
	Last time.Time `json:"last,omitzero"` // of the last backup; zero: there is none
}

func (BackupFailed) Name() string { return "backup_failed" }

// ApprovalRequested reports that an operation waits for the approval of a second administrator (protocol rule 11).
type ApprovalRequested struct {
	Context
	Operation string    `json:"operation"`      // reset, role or profile
	User      string    `json:"user,omitempty"` // whom it concerns; "": the recipient
	By        string    `json:"by"`
	Reason    string    `json:"reason,omitempty"`
	ID        string    `json:"id,omitempty"` // of the approval; "" if the recipient is the user
	Until     time.Time `json:"until"`
}

func (ApprovalRequested) Name() string { return "approval_requested" }

// TicketShown reports that an administrator received the ticket of a user (protocol rule 9).
type TicketShown struct {
	Context
	User    string `json:"user,omitempty"` // owner of the ticket; "": the recipient
	By      string `json:"by"`
	Witness string `json:"witness,omitempty"` // who confirmed that the user was present; "": nobody
}

func (TicketShown) Name() string { return "ticket_shown" }

// WitnessAsked asks its recipient to confirm that a user is present (protocol rule 9).
type WitnessAsked struct {
	Context
	User  string    `json:"user"`
	Group string    `json:"group,omitempty"`
	By    string    `json:"by"`
	Link  string    `json:"link"` // of a page that needs a sign-in
	Until time.Time `json:"until"`
}

func (WitnessAsked) Name() string { return "witness_asked" }

// HandoverRefused reports that a code was not handed over, because the witness did not confirm it.
type HandoverRefused struct {
	Context
	User    string `json:"user,omitempty"` // who was to get the code; "": the recipient
	By      string `json:"by"`
	Witness string `json:"witness"`
	Wrong   bool   `json:"wrong,omitempty"` // the digits were wrong too often
}

func (HandoverRefused) Name() string { return "handover_refused" }

// DeviceAdded reports a new device.
type DeviceAdded struct {
	Context
	Device string `json:"device"`
}

func (DeviceAdded) Name() string { return "device_added" }

// DeviceRemoved reports the removal of a device.
type DeviceRemoved struct {
	Context
	Device string `json:"device"`
}

func (DeviceRemoved) Name() string { return "device_removed" }

// DevicesFrozen reports that devices were frozen (protocol rule 12). Its context has no Freeze.
type DevicesFrozen struct {
	Context
	Devices []string `json:"devices"` // without lists of recovery codes
	All     bool     `json:"all,omitempty"`
	By      string   `json:"by,omitempty"` // the administrator; "": the user, or a reader of their email
}

func (DevicesFrozen) Name() string { return "devices_frozen" }

// DeviceUnfrozen reports that the user ended the freeze of a device.
type DeviceUnfrozen struct {
	Context
	Device string `json:"device"`
}

func (DeviceUnfrozen) Name() string { return "device_unfrozen" }

// DeviceEnrolledByAdmin reports that an administrator enrolled a device for the user (protocol rule 22).
type DeviceEnrolledByAdmin struct {
	Context
	Device      string `json:"device"`
	By          string `json:"by"`
	Unconfirmed bool   `json:"unconfirmed,omitempty"` // the user must confirm the device before it counts
}

func (DeviceEnrolledByAdmin) Name() string { return "device_enrolled_by_admin" }

// QRShown reports that a QR code was shown again, even if no phone confirmed it (protocol rule 14).
type QRShown struct {
	Context
	Device string `json:"device"`
}

func (QRShown) Name() string { return "qr_shown" }

// CopyConfirmed reports that another phone confirmed the same QR code.
type CopyConfirmed struct {
	Context
	Device string `json:"device"`
	Copy   string `json:"copy"`
}

func (CopyConfirmed) Name() string { return "copy_confirmed" }

// SecurityKeyDisabled reports that a security key was disabled because its counter indicates a clone.
type SecurityKeyDisabled struct {
	Context
	Device string `json:"device"`
}

func (SecurityKeyDisabled) Name() string { return "security_key_disabled" }

// RecoveryUsed reports the use of a recovery code.
type RecoveryUsed struct {
	Context
	Remaining int `json:"remaining"`
}

func (RecoveryUsed) Name() string { return "recovery_used" }

// RecoveryShown reports that a new list of recovery codes was shown.
type RecoveryShown struct {
	Context
	OldUntil time.Time `json:"oldUntil,omitzero"` // latest end of the older list; zero: there is none
}

func (RecoveryShown) Name() string { return "recovery_shown" }

// PasswordChanged reports a changed password.
type PasswordChanged struct{ Context }

func (PasswordChanged) Name() string { return "password_changed" }

// PasswordLink contains the link to choose a new password.
type PasswordLink struct {
	Context
	Requested bool      `json:"requested,omitempty"` // by the form, which needs no sign-in
	Link      string    `json:"link"`
	Until     time.Time `json:"until"`
}

func (PasswordLink) Name() string { return "password_link" }

// PasswordLinkShown reports that an administrator received the link to choose a new password (protocol rule 22).
type PasswordLinkShown struct {
	Context
	By string `json:"by"`
}

func (PasswordLinkShown) Name() string { return "password_link_shown" }

// PasswordSetByAdmin reports that an administrator set the password (protocol rule 22).
type PasswordSetByAdmin struct {
	Context
	By        string `json:"by"`
	Temporary bool   `json:"temporary,omitempty"` // the user must change it at the next sign-in
}

func (PasswordSetByAdmin) Name() string { return "password_set_by_admin" }

// AddressChanged reports that an administrator changed the addresses of an account.
type AddressChanged struct {
	Context
	By    string `json:"by"`
	Login string `json:"login,omitempty"` // new login; "" if the recipient is an address that the account no longer has

	Numbers bool `json:"numbers,omitempty"` // telephone numbers changed too
}

func (AddressChanged) Name() string { return "address_changed" }

// PhoneChanged reports that an administrator changed the telephone numbers of an account.
type PhoneChanged struct {
	Context
	By string `json:"by"`
}

func (PhoneChanged) Name() string { return "phone_changed" }

// RoleChanged reports that a role was assigned or removed.
type RoleChanged struct {
	Context
	User     string `json:"user,omitempty"` // holder of the role; "": the recipient
	By       string `json:"by"`
	Role     string `json:"role"` // type of an Okta role, such as "HELP_DESK_ADMIN"
	Assigned bool   `json:"assigned,omitempty"`
}

func (RoleChanged) Name() string { return "role_changed" }

// TokenCreated reports an API token or a service client that acts as the recipient.
type TokenCreated struct {
	Context
	By        string    `json:"by"`
	TokenName string    `json:"tokenName"`
	Until     time.Time `json:"until,omitzero"` // zero: a service client, which does not expire
}

func (TokenCreated) Name() string { return "token_created" }

// NewBrowser reports the first sign-in from a browser.
type NewBrowser struct{ Context }

func (NewBrowser) Name() string { return "new_browser" }

// WrongCodes reports wrong codes after the right password.
type WrongCodes struct {
	Context
	Count int `json:"count"`
}

func (WrongCodes) Name() string { return "wrong_codes" }

// CodesStopped reports that codes from unknown browsers are refused after too many wrong ones (protocol rule 17).
type CodesStopped struct {
	Context
	Count int `json:"count"`
}

func (CodesStopped) Name() string { return "codes_stopped" }

// PasswordExposed reports that another person knows the password, which must change (protocol rule 17).
type PasswordExposed struct {
	Context
	Count int `json:"count"`
}

func (PasswordExposed) Name() string { return "password_exposed" }

// DeviceSignedIn reports that a device of an application may act for the user (protocol rule 28).
type DeviceSignedIn struct {
	Context
	App string `json:"app"`
}

func (DeviceSignedIn) Name() string { return "device_signed_in" }

// HelpReceived acknowledges a help request to its author.
type HelpReceived struct {
	Context
	Reference string `json:"reference"`
}

func (HelpReceived) Name() string { return "help_received" }

// HelpForSupport sends a help request to support.
type HelpForSupport struct {
	Context
	Reference string `json:"reference"`
	From      string `json:"from"`                // address in the form, not verified
	Open      string `json:"open,omitempty"`      // reference of the open request that this one joins
	KnownUser bool   `json:"knownUser,omitempty"` // a user has this address
	Topic     Topic  `json:"topic"`
	Message   string `json:"message,omitempty"`

	// These describe the user with this address.
	User           string `json:"user,omitempty"`
	Group          string `json:"group,omitempty"`
	Number         string `json:"number,omitempty"`         // the telephone number on file
	PasswordProven bool   `json:"passwordProven,omitempty"` // the browser had proven the password
	KnownBrowser   bool   `json:"knownBrowser,omitempty"`   // the user had signed in on the browser
}

func (HelpForSupport) Name() string { return "help_for_support" }

// HelpWaiting informs support that requests arrive faster than emails about each may be sent.
type HelpWaiting struct {
	Context
	Count int `json:"count"` // open requests
}

func (HelpWaiting) Name() string { return "help_waiting" }

// HelpAnswered reports the answer to a help request to its author.
type HelpAnswered struct {
	Context
	Reference string `json:"reference"`
	Answer    string `json:"answer,omitempty"`   // text of the support agent
	Rejected  bool   `json:"rejected,omitempty"` // the request was closed without a change to the account
}

func (HelpAnswered) Name() string { return "help_answered" }

// Digest replaces the notifications to a user who would otherwise receive more than ten in an hour.
type Digest struct {
	Context
	Entries []DigestEntry `json:"entries"`
}

func (Digest) Name() string { return "digest" }

// DigestEntry is one notification of a Digest.
type DigestEntry struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
}
