package api

import (
	"errors"

	"barillet/internal/errcode"
)

// userMembers maps fields of a user in the domain to members of a request.
var userMembers = map[string]string{"login": "profile.login", "email": "profile.email", "secondEmail": "profile.secondEmail",
	"firstName": "profile.firstName", "lastName": "profile.lastName", "locale": "profile.locale", "primaryPhone": "profile.primaryPhone", "mobilePhone": "profile.mobilePhone",
	"password": "credentials.password.value"}

// memberNames maps, for each route, a field of the domain to the member of the request, if they differ. A test compares
// each error with the description.
var memberNames = map[string]map[string]string{
	"POST /api/v1/users":                                       userMembers,
	"POST /api/v1/users/{id}":                                  userMembers,
	"PUT /api/v1/users/{id}":                                   userMembers,
	"POST /api/v1/groups":                                      groupMembers,
	"PUT /api/v1/groups/{gid}":                                 groupMembers,
	"PUT /api/v1/groups/{gid}/users/{uid}":                     {"groupIds": "gid"},
	"POST /api/v1/api-tokens":                                  {"groupIds": "groups", "expires": "expiresIn", "secrets": "allow"},
	"POST /api/v1/users/{id}/credentials/change_password":      {"current": "oldPassword.value", "password": "newPassword.value"},
	"POST /api/v1/users/{id}/factors":                          {"sharedSecret": "profile.sharedSecret"},
	"POST /api/v1/users/{id}/factors/{fid}/verify":             {"factorType": "passCode"},
	"POST /api/v1/users/{id}/factors/{fid}/lifecycle/activate": {"factorType": "passCode"},
	"POST /api/v1/help-requests/{hid}/notes":                   {"note": "text"},
}

var groupMembers = map[string]string{"name": "profile.name", "description": "profile.description"}

// withMemberNames returns the error with the name that its field has in the request.
func withMemberNames(pattern string, err error) error {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok || memberNames[pattern][e.Field] == "" {
		return err
	}
	out := *e
	out.Field = memberNames[pattern][e.Field]
	return &out
}
