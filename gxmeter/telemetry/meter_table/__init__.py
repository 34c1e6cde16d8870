"""Tables of meters: PDU, building management, revenue meter, bill."""
