# the network below the transport
hroce-y += roce/net_socket.o roce/net_tx.o roce/net_rx.o roce/net_av.o roce/net_mcast.o
hroce-y += roce/net_pages.o
hroce-y += roce/wire.o roce/icrc.o roce/crc32.o
# queue pairs
hroce-y += roce/qp.o roce/qp_modify.o roce/qp_table.o roce/post.o roce/runner.o
hroce-y += roce/inbox.o roce/stall.o roce/walk.o roce/burst.o roce/control.o
hroce-y += roce/sq.o roce/requester.o roce/completer.o roce/local.o
hroce-y += roce/rq.o roce/responder.o roce/resp_read.o roce/resp_flush.o roce/ud.o roce/uc.o roce/xrc.o
# verbs, other than those of queue pairs
hroce-y += roce/main.o roce/device.o roce/caps.o roce/port.o roce/stats.o roce/debug.o roce/res.o
hroce-y += roce/pd.o roce/ah.o roce/mcast.o roce/cq.o roce/srq.o roce/srq_table.o roce/ring.o
hroce-y += roce/mr.o roce/mr_pin.o roce/mr_odp.o roce/mr_null.o roce/mr_dmabuf.o roce/mr_moving.o roce/dm.o roce/mw.o roce/frwr.o roce/advise.o
