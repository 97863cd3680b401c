// Package sample owns the sample application of the demonstration: a page of a workshop that signs its visitors in by
// OpenID Connect, as any application would, and shows what it is told of them. It knows the service by its public URL
// alone, through a client library of others, and keeps what it knows in memory. It is no part of the service.
package sample
