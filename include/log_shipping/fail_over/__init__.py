"""Failing over and back: fence, tail, proof, stated loss, approval, recovery, verification, redirection, report."""
