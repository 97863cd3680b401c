package templates

// PasswordRequired asks for another password, after the second step and before there is a session.
//
//	GET, POST /login/password    password
type PasswordRequired struct {
	Base
	Login     string
	Temporary bool // an operator gave out the present one; else an operator wants another
	Least     int
}

func (PasswordRequired) template() string { return "password_due" }
