package templates

// pages holds one of each kind of page: what New looks for templates for.
func pages() []Page {
	return []Page{
		Login{}, Factor{}, Recovery{}, Ticket{}, TicketLink{}, Blocked{}, Invite{}, Forgot{}, ForgotSent{}, NewPassword{}, LoggedOut{},
		Choose{}, Phone{}, SecurityKey{}, Second{}, Codes{},
		Account{}, Prove{}, AddDevice{}, DeviceRemove{}, DeviceShow{}, DeviceShown{}, CopyRemove{}, Replace{}, RecoveryRenew{}, PasswordChange{},
		Help{}, HelpRequest{}, HelpSent{}, Failure{}, Mailbox{}, MailView{},
		Onward{}, Consent{}, AppRefused{}, Leave{}, UserCode{}, UserCodeConfirm{}, UserCodeDone{},
	}
}
