//! Coordinators die under sockets; clients come back and miss nothing.
