#!/bin/sh
# A help desk's day by the REST API: take the oldest open help request, look up the user and their devices, check the
# identity, reset the devices, and read the log. Needs curl (7.82 or newer) and jq.
#
#   BARILLET_URL=https://login.garage.example docs/helpdesk-day.sh TOKEN-FILE
#
# The file holds an API token of HELP_DESK_ADMIN: barillet token create --name "help desk" --role HELP_DESK_ADMIN
set -eu

url=${BARILLET_URL:?the address of the service, https://login.garage.example}
token=${1:?the file with the API token}

# The token stays in files: every process of the host can read a command line.
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'Authorization: SSWS %s\n' "$(cat "$token")" >"$work/token.header"

# call METHOD PATH [CURL OPTION...] prints the answer. An error goes to stderr and ends the script.
call() {
	method=$1 path=$2
	shift 2
	curl --silent --show-error --fail-with-body --max-time 30 -H "@$work/token.header" -X "$method" "$@" \
		-o "$work/answer" "$url/api/v1$path" || {
		jq -r '"\(.status) \(.detail) (\(.errorId))"' "$work/answer" >&2 || true
		return 1
	}
	cat "$work/answer"
}

# 1. Read the open requests. The oldest is first.
call GET '/help-requests?status=open' >"$work/open"
jq -r '.[] | "\(.reference)  \(.topic)  \(.email)"' "$work/open"
request=$(jq -r '.[0].id // empty' "$work/open")
if [ -z "$request" ]; then
	echo "no open help request"
	exit
fi

# 2. Read the request. Any client can send one: only userId and the proven password count.
call GET "/help-requests/$request" >"$work/shown"
jq -r '.texts[] | "says: \(.message)", "password proven: \(.passwordProven)"' "$work/shown"
user=$(jq -r '.userId // empty' "$work/shown")
if [ -z "$user" ]; then
	echo "the address belongs to no user"
	exit
fi

# 3. Read the user and their devices.
call GET "/users/$user" | jq -r '"is: \(.profile.firstName) \(.profile.lastName), \(.profile.login), \(.status)"'
call GET "/users/$user/factors" | jq -r '.[] | "has: \(.factorType) \(.name)"'

# 4. Take the request, call back on a number on file for 72 hours, or ask the manager, and record the check.
call PATCH "/help-requests/$request" --json '{"assignee": "me", "note": "Took this one."}' >"$work/request"
jq '._embedded.numbers | map(select(.young | not)) | {identityCheck: (if length > 0 then {method: "called_back", number: .[0].member}
	else {method: "manager_confirmed", by: "the manager of the garage"} end)}' "$work/shown" >"$work/check"
call PATCH "/help-requests/$request" --json "@$work/check" | jq -r '"checked: \(.identityCheck.method)"'

# 5. Reset. The key makes a retry safe after a lost answer: the reset happens once.
jq -n --arg request "$request" '{reason: "Phone lost", helpRequestId: $request}' >"$work/reset"
call POST "/users/$user/lifecycle/reset_factors" --retry 3 -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" \
	--json "@$work/reset" >"$work/receipt"

# 6. Print the receipt: what was removed, and where the ticket was mailed.
jq -r '"cleared: \([.cleared.devices[] | "\(.count) \(.factorType)"] | join(", ")), \(.cleared.recoveryCodes) recovery codes",
	"ended: \(.sessionsEnded) sessions", "mailed to: \(.mailedTo | join(", "))", "ticket until: \(.ticket.expiresAt)"' "$work/receipt"

# 7. The reset resolved the request, and the log names the actor.
call GET "/help-requests/$request" | jq -r '"request: \(.status)"'
call GET /logs --get --data-urlencode 'filter=eventType eq "user.mfa.factor.reset_all"' --data-urlencode sortOrder=DESCENDING \
	--data-urlencode limit=1 | jq -r '.[] | "log: \(.actor.displayName) \(.displayMessage) \(.target[0].alternateId) \(.outcome.result)"'
