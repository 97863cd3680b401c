package notice

// Topic is the subject of a help request.
type Topic string

// Topics of the help form, in its order.
const (
	TopicCannotLogIn Topic = "cannot_log_in"
	TopicPhoneLost   Topic = "phone_lost"
	TopicCodeRefused Topic = "code_refused"
	TopicKeyLost     Topic = "key_lost"
	TopicOther       Topic = "other"
)

// TopicInvited is the topic of a request that the service opens itself: an administrator with a group scope invited
// a user who already has an account in another group. The form does not offer it.
const TopicInvited Topic = "invited_elsewhere"

// Topics returns the topics of the help form in its order.
func Topics() []Topic {
	return []Topic{TopicCannotLogIn, TopicPhoneLost, TopicCodeRefused, TopicKeyLost, TopicOther}
}
