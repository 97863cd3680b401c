package notice

// Topic is what a help request is about.
type Topic string

// The topics of the list, in its order.
const (
	TopicCannotLogIn Topic = "cannot_log_in"
	TopicPhoneLost   Topic = "phone_lost"
	TopicCodeRefused Topic = "code_refused"
	TopicKeyLost     Topic = "key_lost"
	TopicOther       Topic = "other"
)

// TopicInvited is that of a request which the house itself opens: an operator of some garages invited somebody who
// is known elsewhere. It is not on the list of the form.
const TopicInvited Topic = "invited_elsewhere"

// Topics lists every topic in the order of the form.
func Topics() []Topic {
	return []Topic{TopicCannotLogIn, TopicPhoneLost, TopicCodeRefused, TopicKeyLost, TopicOther}
}
