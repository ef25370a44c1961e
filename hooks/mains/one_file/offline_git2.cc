// The network half of libgit2, taken out of a program that has libgit2 in itself: with these in its place, the linker
// has no use for the archive's own, nor for the TLS, SSH and Kerberos libraries behind them. Nobody here connects; who
// would gets an error. The names are libgit2's own (src/streams/mbedtls.c, src/transports/ssh.c, auth_negotiate.c); the
// build tries them before it relies on them.

extern "C" {
int git_mbedtls_stream_global_init() { return 0; }
int git_transport_ssh_global_init() { return 0; }
int git_mbedtls__set_cert_location() { return -1; }
int git_mbedtls_stream_new() { return -1; }
int git_mbedtls_stream_wrap() { return -1; }
int git_smart_subtransport_ssh() { return -1; }
int git_transport_ssh_with_paths() { return -1; }
int git_http_auth_negotiate() { return -1; }
}
