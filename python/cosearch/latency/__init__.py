"""The latency room: what is measured on this machine."""

from cosearch.latency.peak import peak_gflops

__all__ = ["peak_gflops"]
