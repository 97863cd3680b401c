package templates

// PasswordRequired asks for a new password after the second step, before a session exists.
//
//	GET, POST /login/password    password
type PasswordRequired struct {
	Base
	Login     string
	Temporary bool // an administrator set the current password
	Exposed   bool // another person knows it; if neither is set, an administrator expired it
	MinLength int
}

func (PasswordRequired) Template() string { return "password_required" }
